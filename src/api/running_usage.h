// What an answer has taken so far.
#pragma once

#include <cstddef>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// Adds up the tokens of all choices while they are generated. One thread.
class RunningUsage {
 public:
  RunningUsage(const Usage& prompt, int num_choices) : usage_(prompt), num_tokens_(static_cast<size_t>(num_choices)) {}

  /// `num_tokens`: of this choice so far. Choices that do not exist are passed over.
  void note(int choice, int num_tokens) {
    const auto index = static_cast<size_t>(choice);
    if (index >= num_tokens_.size()) return;
    usage_.completion_tokens += num_tokens - num_tokens_[index];
    num_tokens_[index] = num_tokens;
  }

  const Usage& so_far() const { return usage_; }

 private:
  Usage usage_;
  std::vector<int> num_tokens_;  // per choice
};

}  // namespace spyhop
