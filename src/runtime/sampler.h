// Logits of one sequence -> its next token.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

struct SampledToken {
  int32_t id = 0;
  float logprob = 0;                            // of the model's distribution, before penalties and temperature
  std::vector<std::pair<int32_t, float>> top;  // best first, SamplingParams::top_logprobs of them
};

/// One sequence's sampling state: its own generator and token counts, so that a result never depends on the batch.
class SequenceSampler {
 public:
  /// `prompt` counts for the repetition penalty. `seed` is already drawn, one per answer.
  SequenceSampler(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size, uint64_t seed);

  /// `logits`: [vocab_size] f32 as the model gave them. Counts the token that it returns.
  SampledToken sample(const float* logits);

  /// Final probabilities [vocab_size] after every step of the order in SamplingParams; one-hot when greedy.
  std::vector<float> probabilities(const float* logits) const;

 private:
  SamplingParams params_;
  int vocab_size_ = 0;
  std::vector<uint8_t> seen_;     // [vocab_size] in prompt or answer
  std::vector<int32_t> counts_;   // [vocab_size] occurrences in the answer
  std::mt19937_64 generator_;
};

}  // namespace spyhop
