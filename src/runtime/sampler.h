// Logits of one sequence -> its next token.
#pragma once

#include <cstdint>
#include <random>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

struct SampledToken {
  int32_t id = 0;
  float logprob = 0;  // of the model's distribution, before penalties and temperature; 0 when not asked for
  std::vector<std::pair<int32_t, float>> top;  // best first, SamplingParams::top_logprobs of them
};

/// One sequence's sampling state: its own generator and token counts, so that a result never depends on the batch.
/// Source: LogitsProcessorList of transformers for the penalties and filters.
class SequenceSampler {
 public:
  /// `prompt` counts for the repetition penalty. `seed` is already drawn, one per answer.
  /// Throws Error{kInvalidRequest} for a logit_bias on a token that the vocabulary does not have.
  SequenceSampler(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size, uint64_t seed);

  /// `logits`: [vocab_size] f32 as the model gave them. Counts the token that it returns.
  /// Throws Error{kInternal} when no logit is finite.
  SampledToken sample(const float* logits);

  /// Final probabilities [vocab_size] after every step of the order in SamplingParams; one-hot when greedy.
  std::vector<float> probabilities(const float* logits) const;

 private:
  /// Unnormalised probabilities, 0 for what the filters drop.
  struct Shares {
    std::vector<float> values;  // [vocab_size]
    double sum = 0;
  };

  bool changes_logits() const;
  std::vector<float> penalised(const float* logits) const;
  int32_t greedy(const float* logits) const;
  Shares shares(const float* logits) const;
  int32_t draw(const Shares& shares);
  SampledToken with_logprobs(const float* logits, int32_t id) const;

  SamplingParams params_;
  int vocab_size_ = 0;
  std::unordered_set<int32_t> seen_;             // in prompt or answer
  std::unordered_map<int32_t, int32_t> counts_;  // occurrences in the answer
  std::mt19937_64 generator_;
};

}  // namespace spyhop
