// Folders and links of a cache that other programs use at the same time.
#pragma once

#include <cstdint>
#include <string>

#include "hub/repo_listing.h"

namespace spyhop {

/// Makes the folder that `path` is in. Throws Error{kModelLoad}.
void make_parent_folder(const std::string& path);

/// Bytes of the file, through links; -1 when there is none.
int64_t file_size_of(const std::string& path);

/// Whether the file is there with the size and, where the hub tells one, the digest of `file`. Reads all of it.
bool holds_content(const std::string& path, const RepoFile& file);

/// Makes `path` a symbolic link to `target`, in place of another link or file, in one step. Throws Error{kModelLoad}.
void replace_link(const std::string& path, const std::string& target);

}  // namespace spyhop
