// Fetching the files of a model: in chunks, by several workers, continued where an earlier try ended, and checked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hub/content_hash.h"
#include "hub/hub_connection.h"

namespace spyhop {

struct DownloadFile {
  std::string name;  // for messages and progress
  std::string url;
  int64_t size = 0;  // bytes
  ContentDigest digest;
  std::string identity;      // of the content: what another content left behind is not continued
  std::string partial_path;  // while it comes
  std::string content_path;  // once it is whole and checked
};

struct FileProgress {
  std::string name;
  int64_t total_bytes = 0;
  int64_t done_bytes = 0;  // of this and earlier tries
  bool is_placed = false;
};

struct DownloadProgress {
  std::vector<FileProgress> files;
  int64_t total_bytes = 0;
  int64_t done_bytes = 0;
  int64_t fetched_bytes = 0;  // by this try, those that had to be fetched again included
};

struct DownloadOptions {
  int num_workers = 8;  // connections
  int64_t chunk_bytes = int64_t{32} << 20;
  RetryPolicy retry;
  HttpTransferLimits limits;
  /// Called ten times a second by the calling thread, and once at the end; false cancels.
  std::function<bool(const DownloadProgress& progress)> on_progress;
  /// Called by a worker once a file is at its content_path.
  std::function<void(size_t file)> on_placed;
  /// What a refusal (status 401 or 403) is explained with.
  std::string login_advice;
};

/// Returns what was done once all files are in place. Throws the first Error and stops the rest: kUnauthorized (refused),
/// kUnavailable (no answer, however often it was tried), kModelLoad (wrong content twice, no space), kCancelled. What has come
/// stays for the next try, in any case.
DownloadProgress download_files(const std::vector<DownloadFile>& files, const HubAccess& access,
                                const DownloadOptions& options);

}  // namespace spyhop
