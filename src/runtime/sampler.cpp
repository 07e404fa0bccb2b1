#include "runtime/sampler.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/kernels/logits.h"
#include "runtime/logit_row.h"
#include "runtime/token_distribution.h"

namespace spyhop {
namespace {

/// The logits after penalties, minus infinity for what is not allowed; the model's own where there is neither.
class PenalisedLogits {
 public:
  PenalisedLogits(const float* logits, int64_t count, const Penalties& penalties, const uint64_t* allowed = nullptr)
      : data_(logits) {
    if (!penalties.any() && allowed == nullptr) return;
    copy_ = at::empty({count}, at::kFloat);
    float* const changed = copy_.data_ptr<float>();
    std::copy_n(logits, count, changed);
    if (penalties.any()) penalties.apply(changed, allowed);
    if (allowed != nullptr) keep(allowed, count, changed);
    data_ = changed;
  }

  const float* data() const { return data_; }

 private:
  static void keep(const uint64_t* allowed, int64_t count, float* logits) {
    constexpr float kOut = -std::numeric_limits<float>::infinity();
    for (int64_t begin = 0; begin < count; begin += 64) {
      const uint64_t word = allowed[begin / 64];
      const int64_t size = std::min<int64_t>(64, count - begin);
      if (word == 0) {
        std::fill_n(logits + begin, size, kOut);
        continue;
      }
      const uint64_t beyond = size == 64 ? 0 : ~uint64_t{0} << size;
      for (uint64_t out = ~(word | beyond); out != 0; out &= out - 1) logits[begin + __builtin_ctzll(out)] = kOut;
    }
  }

  at::Tensor copy_;
  const float* data_;
};

double log_sum_exp(const LogitRow& row) {
  std::vector<double> sums(static_cast<size_t>(kernels::num_logit_blocks(row.size())));
  kernels::logit_kernels().shares(row.data(), row.size(), {1.0F, row.best()}, nullptr, sums.data());
  return row.best() + std::log(std::accumulate(sums.begin(), sums.end(), 0.0));
}

/// Best first, ties by id; NaN is not among them.
std::vector<int32_t> best_ids(const LogitRow& row, int count) {
  if (count == 0) return {};
  TokenList tokens(row.size());
  tokens.collect(row.data(), row.size(), {row.reached_by(count), row.best()});
  std::vector<int32_t> ids(tokens.ids(), tokens.ids() + tokens.size());
  const auto last = ids.begin() + std::min<int64_t>(count, tokens.size());
  const float* const logits = row.data();
  std::partial_sort(ids.begin(), last, ids.end(),
                    [logits](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  ids.erase(last, ids.end());
  return ids;
}

SampledToken with_logprobs(const LogitRow& row, int32_t id, int num_top) {
  const double log_sum = log_sum_exp(row);
  const auto logprob = [&](int32_t token_id) { return static_cast<float>(row.data()[token_id] - log_sum); };
  SampledToken token{id, logprob(id), {}};
  for (const int32_t best_id : best_ids(row, num_top)) token.top.emplace_back(best_id, logprob(best_id));
  return token;
}

}  // namespace

SequenceSampler::SequenceSampler(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size,
                                 uint64_t seed, const TokenRules& rules)
    : params_(params), vocab_size_(vocab_size), penalties_(params, prompt, vocab_size, rules), generator_(seed) {}

SampledToken SequenceSampler::sample(const float* logits, const uint64_t* allowed) {
  const PenalisedLogits penalised(logits, vocab_size_, penalties_, allowed);
  const LogitRow row(penalised.data(), vocab_size_);
  int32_t id = 0;
  if (params_.temperature == 0.0) {
    id = row.best_id();
  } else {
    const TokenDistribution distribution(row, params_);
    // The standard's distributions differ between libraries; this does not.
    id = distribution.draw(static_cast<double>(generator_() >> 11) * 0x1.0p-53);
  }
  penalties_.count(id);
  if (!params_.logprobs && params_.top_logprobs == 0) return {id, 0.0F, {}};
  return with_logprobs(LogitRow(logits, vocab_size_), id, params_.top_logprobs);
}

std::vector<float> SequenceSampler::probabilities(const float* logits) const {
  const PenalisedLogits penalised(logits, vocab_size_, penalties_);
  const LogitRow row(penalised.data(), vocab_size_);
  if (params_.temperature > 0.0) return TokenDistribution(row, params_).probabilities();
  std::vector<float> result(static_cast<size_t>(vocab_size_), 0.0F);
  result[static_cast<size_t>(row.best_id())] = 1.0F;
  return result;
}

}  // namespace spyhop
