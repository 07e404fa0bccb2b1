// Folders and links of a cache that other programs use at the same time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "hub/repo_listing.h"

namespace spyhop {

/// Makes the folder that `path` is in. Throws Error{kModelLoad}.
void make_parent_folder(const std::string& path);

/// Bytes of the file, through links; -1 when there is none.
int64_t file_size_of(const std::string& path);

/// Whether the file is there with the size and, where the hub tells one, the digest of `file`. Reads all of it.
bool holds_content(const std::string& path, const RepoFile& file);

/// Names of the folders in `folder`, links to folders aside, sorted; none when there is no such folder.
std::vector<std::string> folders_in(const std::string& folder);

/// Adds the model that a cache keeps in a folder named OWNER--NAME, unless the name is no such one.
void add_model_id(std::vector<std::string>& ids, const std::string& folder_name);

/// Names of the regular files in `folder`, those in its folders as "FOLDER/NAME", links aside; sorted.
std::vector<std::string> files_in(const std::string& folder);

/// Bytes of the files that `folder` and its folders show, those behind links to files included.
int64_t content_bytes(const std::string& folder);

/// Bytes of disk that `path`, a file or a folder, takes: links take none, and what has several names counts once.
int64_t disk_bytes(const std::string& path);

/// Counts what a download has left behind to the first snapshot that is not whole, or else as one of its own at `path`. Nothing
/// is done for 0 bytes.
void add_unfinished(std::vector<CachedSnapshot>& snapshots, int64_t bytes, const std::string& path);

/// Makes `path` a symbolic link to `target`, in place of another link or file, in one step. Throws Error{kModelLoad}.
void replace_link(const std::string& path, const std::string& target);

}  // namespace spyhop
