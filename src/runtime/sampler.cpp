#include "runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "runtime/kernels/simd.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// The index of the largest value, the lowest among equals; NaN never wins.
int32_t argmax(const float* values, int32_t count) {
  float best = -std::numeric_limits<float>::infinity();
  int32_t index = -1;
  for (int32_t i = 0; i < count; ++i) {
    if (values[i] > best) {
      best = values[i];
      index = i;
    }
  }
  if (index < 0 || std::isinf(best)) throw Error(ErrorCode::kInternal, "the model gave no finite logit");
  return index;
}

/// The smallest of the k largest values.
float kth_largest(const std::vector<float>& values, int k) {
  std::vector<float> best(static_cast<size_t>(k));
  std::partial_sort_copy(values.begin(), values.end(), best.begin(), best.end(), std::greater<>());
  return best.back();
}

/// values[i] /= divisor; NaN becomes minus infinity.
SPYHOP_CLONES void divide(std::vector<float>& values, float divisor) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (float& value : values) value = value == value ? value / divisor : kNever;
}

/// values[i] = exp(values[i] - best).
SPYHOP_CLONES void exponentiate(std::vector<float>& values, float best) {
  for (float& value : values) value = simd::exp_approx(value - best);
}

SPYHOP_CLONES double sum_of(const std::vector<float>& values) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < values.size(); ++i) sum += values[i];
  return sum;
}

/// Zeroes what top_p drops: sorted rising (ties by id), the shares whose running sum stays within 1 - top_p of `sum`; never all
/// of them. Looks for the border by halving, so that a flat distribution costs no full sort.
void keep_top_p(std::vector<float>& shares, double sum, double top_p) {
  const double mass = (1.0 - top_p) * sum;
  // All shares up to (1 - p) / n together stay within 1 - p.
  const float floor = static_cast<float>(mass / static_cast<double>(shares.size()));
  const size_t best = static_cast<size_t>(std::max_element(shares.begin(), shares.end()) - shares.begin());
  std::vector<size_t> open;
  double dropped = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (i == best) continue;
    if (shares[i] > floor) {
      open.push_back(i);
    } else {
      dropped += shares[i];
      shares[i] = 0;
    }
  }
  const auto less = [&shares](size_t a, size_t b) { return shares[a] != shares[b] ? shares[a] < shares[b] : a < b; };
  auto begin = open.begin();
  auto end = open.end();
  while (begin != end) {
    const auto middle = begin + (end - begin) / 2;  // one open share: the middle is itself
    std::nth_element(begin, middle, end, less);
    const double lower = std::accumulate(begin, middle + 1, 0.0, [&shares](double part, size_t i) { return part + shares[i]; });
    if (dropped + lower > mass) {
      end = middle;
      continue;
    }
    dropped += lower;
    for (auto i = begin; i <= middle; ++i) shares[*i] = 0;
    begin = middle + 1;
  }
}

}  // namespace

SequenceSampler::SequenceSampler(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size,
                                 uint64_t seed)
    : params_(params), vocab_size_(vocab_size), seen_(prompt.begin(), prompt.end()), generator_(seed) {
  for (const int32_t id : prompt) {
    if (id < 0 || id >= vocab_size)
      throw Error(ErrorCode::kInternal, "prompt token " + std::to_string(id) + " is not in the vocabulary");
  }
  for (const auto& [id, bias] : params.logit_bias) {
    if (id >= 0 && id < vocab_size) continue;
    throw Error(ErrorCode::kInvalidRequest,
                "logit_bias names token " + std::to_string(id) + "; the vocabulary has 0 to " + std::to_string(vocab_size - 1),
                "logit_bias");
  }
}

bool SequenceSampler::changes_logits() const {
  return params_.repetition_penalty != 1.0 || params_.frequency_penalty != 0.0 || params_.presence_penalty != 0.0 ||
         !params_.logit_bias.empty();
}

std::vector<float> SequenceSampler::penalised(const float* logits) const {
  std::vector<float> result(logits, logits + vocab_size_);
  const auto at = [&result](int32_t id) -> float& { return result[static_cast<size_t>(id)]; };
  const float penalty = static_cast<float>(params_.repetition_penalty);
  if (penalty != 1.0F) {
    for (const int32_t id : seen_) at(id) = at(id) < 0 ? at(id) * penalty : at(id) / penalty;
  }
  for (const auto& [id, count] : counts_)
    at(id) -= static_cast<float>(params_.frequency_penalty * count + params_.presence_penalty);
  for (const auto& [id, bias] : params_.logit_bias) at(id) += static_cast<float>(bias);
  return result;
}

int32_t SequenceSampler::greedy(const float* logits) const {
  return argmax(changes_logits() ? penalised(logits).data() : logits, vocab_size_);
}

SequenceSampler::Shares SequenceSampler::shares(const float* logits) const {
  std::vector<float> values = penalised(logits);
  divide(values, static_cast<float>(params_.temperature));
  const float best = values[static_cast<size_t>(argmax(values.data(), vocab_size_))];
  if (params_.top_k > 0 && params_.top_k < vocab_size_) {
    const float least = kth_largest(values, params_.top_k);
    for (float& value : values) value = value < least ? -std::numeric_limits<float>::infinity() : value;
  }
  exponentiate(values, best);
  if (params_.top_p < 1.0) keep_top_p(values, sum_of(values), params_.top_p);
  if (params_.min_p > 0.0) {
    const float least = static_cast<float>(params_.min_p);  // the best one's share is 1 here
    for (float& value : values) value = value < least ? 0.0F : value;
  }
  const double sum = sum_of(values);
  return {std::move(values), sum};
}

int32_t SequenceSampler::draw(const Shares& shares) {
  // The standard's distributions differ between libraries; this does not.
  const double uniform = static_cast<double>(generator_() >> 11) * 0x1.0p-53;  // [0, 1)
  const double target = uniform * shares.sum;
  double running = 0;
  int32_t last = 0;  // the last one possible, for a target that rounding puts at the very end
  for (int32_t id = 0; id < vocab_size_; ++id) {
    const float share = shares.values[static_cast<size_t>(id)];
    if (share == 0) continue;
    running += share;
    last = id;
    if (target < running) break;
  }
  return last;
}

SampledToken SequenceSampler::with_logprobs(const float* logits, int32_t id) const {
  const float best = logits[argmax(logits, vocab_size_)];
  std::vector<float> values(logits, logits + vocab_size_);
  divide(values, 1.0F);
  exponentiate(values, best);
  const double log_sum = best + std::log(sum_of(values));
  const auto logprob = [&](int32_t token_id) { return static_cast<float>(logits[token_id] - log_sum); };
  SampledToken token{id, logprob(id), {}};

  std::vector<int32_t> order(static_cast<size_t>(vocab_size_));
  std::iota(order.begin(), order.end(), 0);
  const auto last = order.begin() + std::min(params_.top_logprobs, vocab_size_);
  std::partial_sort(order.begin(), last, order.end(),
                    [logits](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  for (auto best_id = order.begin(); best_id != last; ++best_id) token.top.emplace_back(*best_id, logprob(*best_id));
  return token;
}

SampledToken SequenceSampler::sample(const float* logits) {
  const int32_t id = params_.temperature == 0.0 ? greedy(logits) : draw(shares(logits));
  seen_.insert(id);
  ++counts_[id];
  if (params_.logprobs || params_.top_logprobs > 0) return with_logprobs(logits, id);
  return {id, 0.0F, {}};
}

std::vector<float> SequenceSampler::probabilities(const float* logits) const {
  if (params_.temperature == 0.0) {
    std::vector<float> result(static_cast<size_t>(vocab_size_), 0.0F);
    result[static_cast<size_t>(greedy(logits))] = 1.0F;
    return result;
  }
  Shares result = shares(logits);
  for (float& value : result.values) value = static_cast<float>(value / result.sum);
  return std::move(result.values);
}

}  // namespace spyhop
