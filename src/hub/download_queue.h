// What is left to fetch: files cut into chunks, handed to workers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hub/downloader.h"
#include "hub/partial_file.h"

namespace spyhop {

/// A file on its way.
struct FileState {
  const DownloadFile* file = nullptr;
  std::unique_ptr<PartialFile> partial;  // opened when its turn comes
  std::vector<bool> is_taken;            // by chunk
  int num_in_flight = 0;
  bool is_whole = false;  // its server sends no ranges: one worker takes all of it
  bool is_placed = false;
  int num_mismatches = 0;  // times that the content was wrong
  std::mutex hashing;      // held by the worker that hashes and commits
  std::string direct_url;  // where the hub redirects to, while it is valid; guarded by the queue
};

struct DownloadTask {
  enum class Kind {
    kChunk,
    kWhole,   // from the first byte to the last, in one answer
    kFinish,  // all is there, by an earlier try
  };
  Kind kind = Kind::kChunk;
  FileState* state = nullptr;
  size_t chunk = 0;
};

/// Thread safety: all of it. Each file's chunks are handed out in order, so that its hash can follow.
class DownloadQueue {
 public:
  DownloadQueue(const std::vector<DownloadFile>& files, const DownloadOptions& options);

  /// The next task; waits while others may give some back. Nothing once all files are in place or the queue is stopped. Throws
  /// what opening a partial file throws.
  std::optional<DownloadTask> take();
  /// The task is over; what it left undone may be taken again.
  void give_back(const DownloadTask& task);
  void set_whole(FileState& state);
  void set_placed(FileState& state);

  std::string direct_url(const FileState& state) const;
  void set_direct_url(FileState& state, const std::string& url);

  /// Ends everything; the first failure is what rethrow() throws.
  void fail(std::exception_ptr failure);
  void cancel();
  bool is_stopped() const { return is_stopped_; }
  /// Sleeps unless the queue is stopped meanwhile.
  void pause(std::chrono::milliseconds time);
  /// Whether workers have nothing left to do, after waiting for it.
  bool wait_for_end(std::chrono::milliseconds time);
  void rethrow() const;

  void count_fetched(size_t num_bytes) { num_fetched_ += static_cast<int64_t>(num_bytes); }
  DownloadProgress progress() const;

 private:
  std::optional<DownloadTask> next_of(FileState& state);

  const DownloadOptions& options_;
  std::vector<std::unique_ptr<FileState>> states_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr failure_;
  std::atomic<bool> is_stopped_{false};
  std::atomic<int64_t> num_fetched_{0};
};

}  // namespace spyhop
