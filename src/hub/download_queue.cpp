#include "hub/download_queue.h"

#include <algorithm>
#include <utility>

namespace spyhop {

DownloadQueue::DownloadQueue(const std::vector<DownloadFile>& files, const DownloadOptions& options) : options_(options) {
  for (const DownloadFile& file : files) {
    states_.push_back(std::make_unique<FileState>());
    states_.back()->file = &file;
  }
}

/// A task of this file, if it has one to give at the moment.
std::optional<DownloadTask> DownloadQueue::next_of(FileState& state) {
  if (!state.partial) {
    const DownloadFile& file = *state.file;
    state.partial = std::make_unique<PartialFile>(
        PartialFileSpec{file.partial_path, file.size, options_.chunk_bytes, file.digest, file.identity});
    state.is_taken.assign(state.partial->num_chunks(), false);
  }
  bool is_complete = true;
  std::optional<size_t> free_chunk;
  for (size_t chunk = 0; chunk < state.is_taken.size() && !free_chunk; ++chunk) {
    if (state.partial->is_complete(chunk)) continue;
    is_complete = false;
    if (!state.is_taken[chunk]) free_chunk = chunk;
  }
  if (is_complete && state.num_in_flight == 0) return DownloadTask{DownloadTask::Kind::kFinish, &state, 0};
  if (!free_chunk || (state.is_whole && state.num_in_flight > 0)) return std::nullopt;
  if (state.is_whole) return DownloadTask{DownloadTask::Kind::kWhole, &state, 0};
  state.is_taken[*free_chunk] = true;
  return DownloadTask{DownloadTask::Kind::kChunk, &state, *free_chunk};
}

std::optional<DownloadTask> DownloadQueue::take() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (is_stopped_) return std::nullopt;
    bool all_placed = true;
    for (const std::unique_ptr<FileState>& state : states_) {
      if (state->is_placed) continue;
      all_placed = false;
      if (std::optional<DownloadTask> task = next_of(*state)) {
        ++state->num_in_flight;
        return task;
      }
    }
    if (all_placed) return std::nullopt;
    changed_.wait(lock);
  }
}

void DownloadQueue::give_back(const DownloadTask& task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (task.kind == DownloadTask::Kind::kChunk) task.state->is_taken[task.chunk] = false;
  --task.state->num_in_flight;
  changed_.notify_all();
}

void DownloadQueue::set_whole(FileState& state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  state.is_whole = true;
}

void DownloadQueue::set_placed(FileState& state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  state.is_placed = true;
  changed_.notify_all();
}

std::string DownloadQueue::direct_url(const FileState& state) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state.direct_url;
}

void DownloadQueue::set_direct_url(FileState& state, const std::string& url) {
  const std::lock_guard<std::mutex> lock(mutex_);
  state.direct_url = url;
}

void DownloadQueue::fail(std::exception_ptr failure) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
  is_stopped_ = true;
  changed_.notify_all();
}

void DownloadQueue::cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_stopped_ = true;
  changed_.notify_all();
}

void DownloadQueue::pause(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, time, [this] { return is_stopped_.load(); });
}

bool DownloadQueue::wait_for_end(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, time, [this] {
    const auto is_placed = [](const std::unique_ptr<FileState>& state) { return state->is_placed; };
    return is_stopped_ || std::all_of(states_.begin(), states_.end(), is_placed);
  });
}

void DownloadQueue::rethrow() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

DownloadProgress DownloadQueue::progress() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  DownloadProgress progress;
  progress.fetched_bytes = num_fetched_;
  for (const std::unique_ptr<FileState>& state : states_) {
    FileProgress file{state->file->name, state->file->size, 0, state->is_placed};
    if (state->is_placed) {
      file.done_bytes = file.total_bytes;
    } else if (state->partial) {
      file.done_bytes = state->partial->num_done_bytes();
    }
    progress.total_bytes += file.total_bytes;
    progress.done_bytes += file.done_bytes;
    progress.files.push_back(std::move(file));
  }
  return progress;
}

}  // namespace spyhop
