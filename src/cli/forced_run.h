// A model over given tokens: its logits after each of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/runner.h"

namespace spyhop {

/// Tokens that models are compared over.
struct ForcedSequence {
  std::vector<int32_t> token_ids;
  size_t num_prompt_tokens = 0;  // the others are an answer
};

/// logits: [vocab_size] of the token that follows position `position`; gone after the call.
using LogitsConsumer = std::function<void(size_t position, const float* logits)>;

/// Appends the greedy answer of the model, up to `max_tokens` or until `eos`, which is not appended. The cache must hold the
/// whole.
void append_greedy_answer(Runner& runner, ForcedSequence& sequence, int max_tokens, int32_t eos);

/// Gives the consumer every position, in order.
void for_each_position(Runner& runner, const ForcedSequence& sequence, const LogitsConsumer& consumer);

}  // namespace spyhop
