#include "engine/loop_detector.h"

#include <algorithm>

namespace spyhop {

LoopDetector::LoopDetector(const LoopGuard& guard)
    : guard_(guard), recent_(static_cast<size_t>(guard.max_period)), matching_(static_cast<size_t>(guard.max_period), 0) {}

bool LoopDetector::push(int32_t token) {
  const size_t size = recent_.size();
  bool is_loop = false;
  for (size_t period = 1; period <= std::min(size, num_seen_); ++period) {
    int& matching = matching_[period - 1];
    matching = recent_[(num_seen_ - period) % size] == token ? matching + 1 : 0;
    // The phrase's first utterance matched nothing.
    const int length = matching + static_cast<int>(period);
    is_loop |= matching > 0 && length >= guard_.min_tokens && length >= guard_.min_repeats * static_cast<int>(period);
  }
  recent_[num_seen_ % size] = token;
  ++num_seen_;
  return is_loop;
}

}  // namespace spyhop
