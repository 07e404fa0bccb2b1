// When a full queue will have room again.
#pragma once

#include <chrono>

namespace spyhop {

/// Watches how fast answers end. Thread safety: one thread at a time.
class RetryEstimate {
 public:
  using Clock = std::chrono::steady_clock;

  /// Work begins after a time without any.
  void note_busy(Clock::time_point now) { last_end_ = now; }

  /// `num_answers` have ended at once.
  void note_ended(int num_answers, Clock::time_point now);

  /// Seconds until `num_answers` more will have ended, at the recent pace: at least 1, and at most what clients heed.
  int seconds_until(int num_answers, Clock::time_point now) const;

 private:
  Clock::time_point last_end_ = Clock::now();  // or the time from which on there was work again
  double seconds_per_answer_ = 0;              // recent mean; 0 before the first end
};

}  // namespace spyhop
