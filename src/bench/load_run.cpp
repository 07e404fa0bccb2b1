#include "bench/load_run.h"

#include <algorithm>
#include <utility>

namespace spyhop {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTickInterval{100};
constexpr size_t kMaxFailuresInRow = 1000;
constexpr milliseconds kPauseAfterFailure{20};  // under a duration: a server that is gone is not asked a million times

class LoadRun {
 public:
  LoadRun(ChatClient& client, const Workload& workload, const LoadOptions& options, const LoadHooks& hooks)
      : client_(client),
        workload_(workload),
        options_(options),
        hooks_(hooks),
        begin_(BenchClock::now()),
        arrivals_(options.arrivals, begin_) {}

  LoadResult run() {
    while (has_more() || client_.num_active() > 0) {
      start_what_is_due();
      client_.poll(next_wake());
      tick();
    }
    result_.duration_seconds = seconds_since_begin();
    return std::move(result_);
  }

 private:
  bool has_duration() const { return options_.duration.count() > 0; }
  double seconds_since_begin() const { return std::chrono::duration<double>(BenchClock::now() - begin_).count(); }

  bool has_more() const {
    if (result_.was_stopped || result_.was_given_up || workload_.empty()) return false;
    return has_duration() ? seconds_since_begin() < options_.duration.count() : num_started_ < workload_.size();
  }

  bool has_room() const { return options_.max_concurrency == 0 || client_.num_active() < options_.max_concurrency; }

  void start_what_is_due() {
    // Between two requests nothing is received, so a burst must not hold up the streams that run already.
    constexpr int kMaxStarts = 16;
    for (int i = 0; i < kMaxStarts && has_more() && has_room() && next_start() <= BenchClock::now(); ++i) {
      arrivals_.advance();
      const size_t prompt = num_started_++ % workload_.size();
      client_.start(workload_[prompt], [this, prompt](StreamedAnswer answer) { end(prompt, std::move(answer)); });
    }
  }

  TimePoint next_start() const { return std::max(arrivals_.next(), paused_until_); }

  TimePoint next_wake() const {
    const TimePoint tick = last_tick_ + kTickInterval;
    return has_more() && has_room() ? std::min(tick, next_start()) : tick;
  }

  void end(size_t prompt, StreamedAnswer answer) {
    if (answer.fault && answer.fault->kind == "cancelled") {
      ++result_.num_cancelled;
      return;
    }
    if (answer.fault) {
      ++num_failed_;
      ++num_failures_in_row_;
      if (has_duration()) paused_until_ = BenchClock::now() + kPauseAfterFailure;
      result_.was_given_up = has_duration() && num_failures_in_row_ >= kMaxFailuresInRow;
    } else {
      num_failures_in_row_ = 0;
    }
    if (hooks_.on_answer) hooks_.on_answer(prompt, answer);
    result_.answers.push_back(std::move(answer));
  }

  void tick() {
    const TimePoint now = BenchClock::now();
    if (now - last_tick_ < kTickInterval) return;
    last_tick_ = now;
    if (hooks_.on_tick) {
      hooks_.on_tick({seconds_since_begin(), result_.answers.size() - num_failed_, num_failed_, client_.num_active()});
    }
    if (result_.was_stopped || !hooks_.should_stop || !hooks_.should_stop()) return;
    result_.was_stopped = true;
    client_.cancel_all();
  }

  ChatClient& client_;
  const Workload& workload_;
  const LoadOptions& options_;
  const LoadHooks& hooks_;
  const TimePoint begin_;
  Arrivals arrivals_;
  LoadResult result_;
  size_t num_started_ = 0;
  size_t num_failed_ = 0;
  size_t num_failures_in_row_ = 0;
  TimePoint paused_until_{};
  TimePoint last_tick_{};
};

}  // namespace

LoadResult run_load(ChatClient& client, const Workload& workload, const LoadOptions& options, const LoadHooks& hooks) {
  return LoadRun(client, workload, options, hooks).run();
}

}  // namespace spyhop
