// What a sequence's own tokens and its request add to the logits.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "runtime/token_bans.h"
#include "spyhop/chat.h"

namespace spyhop {

/// Repetition, frequency and presence penalties, the biases of a request and the tokens that it rules out, in this order, with
/// the counts that they need. Source: RepetitionPenaltyLogitsProcessor of transformers; the others as the OpenAI API describes
/// them.
class Penalties {
 public:
  /// `prompt` counts for the repetition penalty. Throws Error{kInvalidRequest} for a logit_bias on a token that the vocabulary
  /// does not have.
  Penalties(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size, const TokenRules& rules = {});

  /// Whether apply() changes anything.
  bool any() const;

  /// logits: [vocab_size] f32. `mask`: as TokenBans takes it.
  void apply(float* logits, const uint64_t* mask = nullptr) const;

  /// A token of the answer.
  void count(int32_t id);

 private:
  void mark_seen(int32_t id);

  int64_t vocab_size_ = 0;
  float repetition_ = 1;
  double frequency_ = 0;
  double presence_ = 0;
  std::map<int32_t, double> bias_;
  TokenBans bans_;
  std::vector<int32_t> seen_;                    // in prompt or answer, each once; empty where repetition costs nothing
  std::vector<bool> is_seen_;                    // [vocab_size], or empty as well
  std::unordered_map<int32_t, int32_t> counts_;  // occurrences in the answer; empty where they cost nothing
};

}  // namespace spyhop
