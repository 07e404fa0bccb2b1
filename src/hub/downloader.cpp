#include "hub/downloader.h"

#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "common/problem_list.h"
#include "common/url.h"
#include "hub/cache_files.h"
#include "hub/download_queue.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// How one request for a part of a file ended.
struct Attempt {
  enum class Outcome {
    kDone,
    kAgain,     // something that may pass
    kNoRanges,  // the server sends the file from its beginning, whatever is asked
    kStopped,
  };
  Outcome outcome = Outcome::kAgain;
  int64_t num_bytes = 0;  // that came
  std::string problem;
  int retry_after_seconds = 0;
};

/// One connection, and the loop over tasks.
class Worker {
 public:
  Worker(DownloadQueue& queue, HubAccess access, const DownloadOptions& options, const DownloadFile* first_file)
      : queue_(queue),
        options_(options),
        first_file_(first_file),
        hub_origin_(parse_url(access.endpoint).origin()),
        connection_(std::move(access), options.limits, options.retry),
        random_(std::random_device()()) {}

  void run() {
    while (const std::optional<DownloadTask> task = queue_.take()) {
      if (task->kind != DownloadTask::Kind::kFinish) fetch(*task);
      if (!queue_.is_stopped()) hash_and_place(*task->state);
      queue_.give_back(*task);
    }
  }

 private:
  /// Tries until the task is done, its server turns out to send no ranges, or the queue stops.
  void fetch(const DownloadTask& task) {
    int num_failed = 0;
    while (!queue_.is_stopped()) {
      const Attempt attempt = task.kind == DownloadTask::Kind::kWhole ? try_whole(*task.state) : try_chunk(task);
      if (attempt.outcome == Attempt::Outcome::kDone || attempt.outcome == Attempt::Outcome::kStopped) return;
      if (attempt.outcome == Attempt::Outcome::kNoRanges) return queue_.set_whole(*task.state);
      const bool has_gained = attempt.num_bytes > 0 && task.kind == DownloadTask::Kind::kChunk;
      num_failed = has_gained ? 1 : num_failed + 1;
      if (num_failed >= options_.retry.max_attempts) {
        throw Error(ErrorCode::kUnavailable, task.state->file->name + ": given up after " + std::to_string(num_failed) +
                                                 " attempts; the last ended with: " + attempt.problem +
                                                 ". What has come is kept; the same command goes on from there");
      }
      const double random = std::uniform_real_distribution<double>(0, 1)(random_);
      queue_.pause(options_.retry.pause_after(num_failed, attempt.retry_after_seconds, random));
    }
  }

  Attempt try_chunk(const DownloadTask& task) {
    FileState& state = *task.state;
    const ByteRange wanted = state.partial->missing(task.chunk);
    const bool is_everything = wanted.begin == 0 && wanted.end == state.file->size;
    HttpTransferRequest request;
    if (!is_everything) request.range = wanted;
    const auto write = [&](const char* data, size_t size) { state.partial->append(task.chunk, data, size); };
    return transfer(state, std::move(request), wanted, write);
  }

  Attempt try_whole(FileState& state) {
    int64_t offset = 0;
    const auto write = [&](const char* data, size_t size) {
      state.partial->write_at(offset, data, size);
      offset += static_cast<int64_t>(size);
    };
    return transfer(state, {}, {0, state.file->size}, write);
  }

  template <typename Write>
  Attempt transfer(FileState& state, HttpTransferRequest request, ByteRange wanted, const Write& write) {
    Attempt attempt;
    const std::string direct = queue_.direct_url(state);
    const bool has_range = request.range.has_value();
    int64_t left = wanted.end - wanted.begin;
    request.url = direct.empty() ? state.file->url : direct;
    request.should_stop = [this] { return queue_.is_stopped(); };
    request.on_head = [&](const HttpHead& head) { return is_wanted(head, wanted, has_range, state, attempt); };
    request.on_data = [&](const char* data, size_t size) {
      if (static_cast<int64_t>(size) > left) {
        throw Error(ErrorCode::kModelLoad, state.file->name + ": the server sends more bytes than the hub's list says");
      }
      write(data, size);
      left -= static_cast<int64_t>(size);
      attempt.num_bytes += static_cast<int64_t>(size);
      queue_.count_fetched(size);
      return true;
    };
    const HubAnswer answer = connection_.run(std::move(request));
    if (queue_.is_stopped()) return {Attempt::Outcome::kStopped, 0, "", 0};
    if (attempt.outcome == Attempt::Outcome::kNoRanges) return attempt;
    const int status = answer.result.head.status;
    if (left == 0) attempt.outcome = Attempt::Outcome::kDone;
    if (attempt.problem.empty()) attempt.problem = answer.result.is_complete ? "it broke off" : answer.result.problem;
    if (status == 200 || status == 206) {
      if (parse_url(answer.url).origin() != hub_origin_) queue_.set_direct_url(state, answer.url);
    } else {
      // Such addresses are signed for some time only.
      if (!direct.empty()) queue_.set_direct_url(state, "");
      if (status != 0) check_refusal(state, answer);
    }
    attempt.retry_after_seconds = answer.result.head.retry_after_seconds();
    return attempt;
  }

  /// Whether the answer is the one asked for; else says in `attempt` what it is.
  static bool is_wanted(const HttpHead& head, ByteRange wanted, bool has_range, const FileState& state, Attempt& attempt) {
    const int64_t size = state.file->size;
    if (head.status == 206) {
      const std::optional<ContentRange> got = head.content_range();
      const bool is_inside = got && got->range.begin == wanted.begin && got->range.end <= wanted.end;
      if (is_inside && (got->total == size || got->total < 0)) return true;
      attempt.problem =
          "another range than asked for, or of a file of another size: " + in_quotes(head.header("content-range"));
      if (has_range) attempt.outcome = Attempt::Outcome::kNoRanges;
      return false;
    }
    if (head.status == 416 || (head.status == 200 && has_range)) {
      attempt.outcome = Attempt::Outcome::kNoRanges;
      return false;
    }
    if (head.status == 200) {
      const int64_t length = head.content_length();
      if (length < 0 || length == size) return true;
      throw Error(ErrorCode::kModelLoad, state.file->name + ": the server sends " + std::to_string(length) +
                                             " bytes, the hub's list says " + std::to_string(size) +
                                             "; if it was changed just now, the same command gets the new one");
    }
    attempt.problem = "status " + std::to_string(head.status);
    return false;
  }

  /// Throws for answers that no further attempt will change.
  void check_refusal(const FileState& state, const HubAnswer& answer) const {
    const int status = answer.result.head.status;
    const std::string origin = parse_url(answer.url).origin();
    // Another host refuses addresses whose time is over; the hub gives a new one.
    if (may_pass(status) || status == 416 || origin != hub_origin_) return;
    if (status == 401 || status == 403) {
      throw Error(ErrorCode::kUnauthorized, state.file->name + ": '" + origin + "' refuses it (status " +
                                                std::to_string(status) + "): the model is guarded; " + options_.login_advice);
    }
    throw Error(ErrorCode::kModelLoad, state.file->name + ": '" + origin + "' answers with status " + std::to_string(status) +
                                           " " + in_quotes(answer.result.head.header("x-error-message")));
  }

  /// Follows with the hash what is there, and puts the file in place once it is whole. One worker does it, the others go on.
  void hash_and_place(FileState& state) {
    while (state.partial->has_work()) {
      const std::unique_lock<std::mutex> hashing(state.hashing, std::try_to_lock);
      if (!hashing || state.is_placed) return;
      if (state.partial->hash_on()) place(state);
    }
  }

  void place(FileState& state) {
    const DownloadFile& file = *state.file;
    make_parent_folder(file.content_path);
    if (state.partial->commit(file.content_path)) {
      if (options_.on_placed) options_.on_placed(static_cast<size_t>(&file - first_file_));
      return queue_.set_placed(state);
    }
    if (++state.num_mismatches == 2) {
      throw Error(ErrorCode::kModelLoad, file.name +
                                             ": what the server sends is not what the hub's list says: its digest is not " +
                                             file.digest.hex + ", twice. Nothing of it is kept");
    }
  }

  DownloadQueue& queue_;
  const DownloadOptions& options_;
  const DownloadFile* first_file_;
  const std::string hub_origin_;
  HubConnection connection_;
  std::mt19937 random_;
};

}  // namespace

DownloadProgress download_files(const std::vector<DownloadFile>& files, const HubAccess& access,
                                const DownloadOptions& options) {
  constexpr std::chrono::milliseconds kProgressInterval{100};
  for (const DownloadFile& file : files) make_parent_folder(file.partial_path);
  DownloadQueue queue(files, options);
  const auto work = [&] {
    try {
      Worker(queue, access, options, files.data()).run();
    } catch (...) {
      queue.fail(std::current_exception());
    }
  };
  std::vector<std::thread> workers;
  bool is_cancelled = false;
  try {
    for (int i = 0; i < options.num_workers; ++i) workers.emplace_back(work);
    while (!queue.wait_for_end(kProgressInterval)) {
      if (is_cancelled || !options.on_progress || options.on_progress(queue.progress())) continue;
      is_cancelled = true;
      queue.cancel();
    }
  } catch (...) {
    queue.fail(std::current_exception());
  }
  for (std::thread& worker : workers) worker.join();
  queue.rethrow();
  if (is_cancelled)
    throw Error(ErrorCode::kCancelled, "the download was cancelled; the same command goes on from where it was");
  const DownloadProgress progress = queue.progress();
  if (options.on_progress) options.on_progress(progress);
  return progress;
}

}  // namespace spyhop
