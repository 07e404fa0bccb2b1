// From a name in the registry to a folder with the checkpoint: from a cache, or from a hub.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hub/downloader.h"
#include "hub/hub.h"
#include "registry/model_family.h"

namespace spyhop {

struct ModelRequest {
  std::vector<HubSource> sources;  // not empty
  std::string model_src =
      "auto";                // a hub's name, or auto: the one that has it in its cache, else the first that can be reached
  std::string revision;      // branch, tag or commit; empty = the source's own, else the hub's default branch
  std::string download_dir;  // in place of the hub's cache; empty = that
  std::string flags;         // of the command line that mean this model, for advice
};

struct FetchOptions {
  Environment environment = process_environment();
  DownloadOptions download;
  /// A whole checkpoint in a cache is taken as it is, and its hub not even asked. Else the hub tells what the revision stands
  /// for now.
  bool prefer_cache = false;
  /// One line about what is going on; by the calling thread.
  std::function<void(const std::string& line)> on_note;
  /// Free bytes of the file system that `folder` is, or will be, on; replaced in tests.
  std::function<int64_t(const std::string& folder)> free_bytes;
};

struct PlannedFile {
  RepoFile file;
  bool is_cached = false;
};

/// What would be done.
struct FetchPlan {
  std::string hub;
  std::string model_id;
  std::string revision;
  std::string commit;    // may be empty
  std::string location;  // in the cache
  std::vector<PlannedFile> files;

  int64_t total_bytes() const;
  int64_t missing_bytes() const;
};

struct FetchedModel {
  std::string hub;
  std::string model_id;
  std::string revision;
  std::string folder;         // with config.json and all
  int64_t fetched_bytes = 0;  // 0 = all was there
};

/// Asks the hub and changes nothing. Throws Error.
FetchPlan plan_model(const ModelRequest& request, const FetchOptions& options);

/// Processes that want the same model wait for each other and share one download. Throws Error: kInvalidRequest (unknown hub,
/// bad revision), kModelNotFound, kUnauthorized, kUnavailable (offline or no answer, and not cached: says what would help),
/// kModelLoad, kCancelled.
FetchedModel fetch_model(const ModelRequest& request, const FetchOptions& options);

}  // namespace spyhop
