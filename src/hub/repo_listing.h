// The files of a repository on a hub.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/content_hash.h"

namespace spyhop {

struct RepoFile {
  std::string path;  // in the repository, '/' between folders
  int64_t size = 0;  // bytes
  ContentDigest digest;
  std::string commit;  // that last changed it, where the hub says; may be empty
};

struct RepoListing {
  std::string revision;  // as asked for: "main"
  std::string commit;    // that it stands for, where the hub says; may be empty
  std::vector<RepoFile> files;
};

/// Throws Error{kModelLoad} naming the file when a path would leave the folder it is put into, or a size, a commit or a digest
/// is none, or when there are too many files. `source` names hub and model in messages. Files that are not needed are checked
/// too: a list with such names is not to be trusted.
void check_listing(const RepoListing& listing, const std::string& source);

/// Whether a server needs the file: of those at the top of the repository, JSON, safetensors and the tokenizer.
bool is_needed(const std::string& path);

/// The listing with its needed files alone, the small ones first. Throws Error{kModelLoad} when there is no config.json, no
/// tokenizer or no weights among them.
RepoListing needed_files(const RepoListing& listing, const std::string& source);

/// Whether the folder holds a whole checkpoint as far as it can tell by itself: configuration, tokenizer, and weights, of those
/// in shards each that model.safetensors.index.json names.
bool is_whole_checkpoint(const std::string& folder);

int64_t total_bytes(const std::vector<RepoFile>& files);

}  // namespace spyhop
