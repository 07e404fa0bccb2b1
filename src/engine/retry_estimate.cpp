#include "engine/retry_estimate.h"

#include <algorithm>
#include <cmath>

namespace spyhop {

void RetryEstimate::note_ended(int num_answers, Clock::time_point now) {
  constexpr double kWeightOfNew = 0.2;
  const double seconds = std::chrono::duration<double>(now - last_end_).count() / num_answers;
  seconds_per_answer_ = seconds_per_answer_ == 0 ? seconds : (1 - kWeightOfNew) * seconds_per_answer_ + kWeightOfNew * seconds;
  last_end_ = now;
}

int RetryEstimate::seconds_until(int num_answers, Clock::time_point now) const {
  // OpenAI's SDKs take a longer time for nonsense and come back within seconds.
  constexpr double kMost = 60;
  // When the end of the next has been due for long, the pace has dropped.
  const double since_end = std::chrono::duration<double>(now - last_end_).count();
  const double seconds = std::max(seconds_per_answer_, since_end) * num_answers;
  return static_cast<int>(std::clamp(std::round(seconds), 1.0, kMost));
}

}  // namespace spyhop
