// Answers that say the same again and again.
#pragma once

#include <cstdint>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// Watches the tokens of one answer for a phrase that repeats without end. O(max_period) per token, whatever the answer's
/// length.
class LoopDetector {
 public:
  explicit LoopDetector(const LoopGuard& guard);

  /// Takes the answer's next token. True when the last tokens are one phrase of at most max_period tokens, min_repeats times
  /// and min_tokens tokens long.
  bool push(int32_t token);

 private:
  LoopGuard guard_;
  std::vector<int32_t> recent_;  // a ring of the last max_period tokens
  size_t num_seen_ = 0;
  std::vector<int> matching_;  // by period - 1: how many tokens in a row equal the one a period before
};

}  // namespace spyhop
