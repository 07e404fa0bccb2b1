// Logits of one sequence -> its next token.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "runtime/penalties.h"
#include "runtime/token_filter.h"
#include "spyhop/chat.h"

namespace spyhop {

struct SampledToken {
  int32_t id = 0;
  float logprob = 0;  // of the model's distribution, before penalties and temperature; 0 when not asked for
  /// Best first, ties by id: SamplingParams::top_logprobs of them, or as many as are numbers.
  std::vector<std::pair<int32_t, float>> top;
};

/// One sequence's sampling state: its own generator and token counts, so that a result never depends on the batch. Nor does it
/// depend on the instruction set or the number of threads: the same logits and seed give the same tokens.
/// Thread safety: different samplers may work at the same time.
class SequenceSampler {
 public:
  /// `prompt` counts for the repetition penalty. `seed` is already drawn, one per answer. Ids of `rules` are in the vocabulary.
  /// Throws Error{kInvalidRequest} for a logit_bias on a token that the vocabulary does not have.
  SequenceSampler(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size, uint64_t seed,
                  const TokenRules& rules = {});

  /// `logits`: [vocab_size] f32 as the model gave them. `allowed`: as TokenFilter gives it; other tokens are out, but have
  /// their log-probabilities all the same. Counts the token that it returns. Throws Error{kInternal} when the largest logit is
  /// not finite or no token is allowed; NaN is never the largest.
  SampledToken sample(const float* logits, const uint64_t* allowed = nullptr);

  /// Final probabilities [vocab_size] after every step of the order in SamplingParams; one-hot when greedy.
  std::vector<float> probabilities(const float* logits) const;

 private:
  SamplingParams params_;
  int vocab_size_ = 0;
  Penalties penalties_;
  std::mt19937_64 generator_;
};

}  // namespace spyhop
