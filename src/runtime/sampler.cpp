#include "runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>

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
float kth_largest(std::vector<float> values, int k) {
  const auto kth = values.begin() + (k - 1);
  std::nth_element(values.begin(), kth, values.end(), std::greater<>());
  return *kth;
}

/// Which of `probs` (summing to 1) top_p keeps: sorted rising, those are dropped whose running sum stays within 1 - top_p;
/// never all.
std::vector<bool> kept_by_top_p(const std::vector<double>& probs, double top_p) {
  // All values up to (1 - p) / n together stay within 1 - p, so only those above need sorting.
  const double mass = 1.0 - top_p;
  const double floor = mass / static_cast<double>(probs.size());
  std::vector<bool> kept(probs.size(), true);
  std::vector<size_t> order;
  double sum = 0;
  for (size_t i = 0; i < probs.size(); ++i) {
    if (probs[i] > floor) {
      order.push_back(i);
    } else {
      kept[i] = false;
      sum += probs[i];
    }
  }
  std::stable_sort(order.begin(), order.end(), [&probs](size_t a, size_t b) { return probs[a] < probs[b]; });
  if (order.empty()) {  // equal probabilities and rounding: the best one stays
    kept[static_cast<size_t>(std::max_element(probs.begin(), probs.end()) - probs.begin())] = true;
    return kept;
  }
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    sum += probs[order[i]];
    if (sum > mass) break;
    kept[order[i]] = false;
  }
  return kept;
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

SequenceSampler::Candidates SequenceSampler::candidates(const float* logits) const {
  std::vector<float> scaled = penalised(logits);
  const float temperature = static_cast<float>(params_.temperature);
  for (float& value : scaled) value = std::isnan(value) ? -std::numeric_limits<float>::infinity() : value / temperature;
  const double best = scaled[static_cast<size_t>(argmax(scaled.data(), vocab_size_))];
  const bool limited = params_.top_k > 0 && params_.top_k < vocab_size_;
  const float least = limited ? kth_largest(scaled, params_.top_k) : -std::numeric_limits<float>::infinity();

  Candidates kept;
  for (int32_t id = 0; id < vocab_size_; ++id) {
    const float value = scaled[static_cast<size_t>(id)];
    if (value < least) continue;
    kept.ids.push_back(id);
    kept.probs.push_back(std::exp(value - best));
  }
  const auto filter = [&kept](const auto& keeps) {
    size_t size = 0;
    for (size_t i = 0; i < kept.ids.size(); ++i) {
      if (!keeps(i)) continue;
      kept.ids[size] = kept.ids[i];
      kept.probs[size++] = kept.probs[i];
    }
    kept.ids.resize(size);
    kept.probs.resize(size);
  };
  const auto normalise = [&kept] {
    const double sum = std::accumulate(kept.probs.begin(), kept.probs.end(), 0.0);
    for (double& prob : kept.probs) prob /= sum;
  };
  normalise();
  if (params_.top_p < 1.0) {
    const std::vector<bool> keeps = kept_by_top_p(kept.probs, params_.top_p);
    filter([&keeps](size_t i) { return keeps[i]; });
    normalise();
  }
  if (params_.min_p > 0.0) {
    const double threshold = params_.min_p * *std::max_element(kept.probs.begin(), kept.probs.end());
    filter([&kept, threshold](size_t i) { return kept.probs[i] >= threshold; });
    normalise();
  }
  return kept;
}

int32_t SequenceSampler::draw(const Candidates& from) {
  // The standard's distributions differ between libraries; this does not.
  const double uniform = static_cast<double>(generator_() >> 11) * 0x1.0p-53;  // [0, 1)
  double sum = 0;
  for (size_t i = 0; i < from.ids.size(); ++i) {
    sum += from.probs[i];
    if (uniform < sum) return from.ids[i];
  }
  const auto best = std::max_element(from.probs.begin(), from.probs.end());
  return from.ids[static_cast<size_t>(best - from.probs.begin())];
}

void SequenceSampler::report_logprobs(const float* logits, SampledToken* token) const {
  const float best = logits[argmax(logits, vocab_size_)];
  double sum = 0;
  for (int32_t id = 0; id < vocab_size_; ++id) {
    if (!std::isnan(logits[id])) sum += std::exp(logits[id] - best);
  }
  const double log_sum = best + std::log(sum);
  const auto logprob = [&](int32_t id) { return static_cast<float>(logits[id] - log_sum); };
  token->logprob = logprob(token->id);

  std::vector<int32_t> order(static_cast<size_t>(vocab_size_));
  std::iota(order.begin(), order.end(), 0);
  const auto last = order.begin() + std::min(params_.top_logprobs, vocab_size_);
  std::partial_sort(order.begin(), last, order.end(),
                    [logits](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  for (auto id = order.begin(); id != last; ++id) token->top.emplace_back(*id, logprob(*id));
}

SampledToken SequenceSampler::sample(const float* logits) {
  SampledToken token;
  token.id = params_.temperature == 0.0 ? greedy(logits) : draw(candidates(logits));
  if (params_.logprobs || params_.top_logprobs > 0) report_logprobs(logits, &token);
  seen_.insert(token.id);
  ++counts_[token.id];
  return token;
}

std::vector<float> SequenceSampler::probabilities(const float* logits) const {
  std::vector<float> result(static_cast<size_t>(vocab_size_), 0.0F);
  if (params_.temperature == 0.0) {
    result[static_cast<size_t>(greedy(logits))] = 1.0F;
    return result;
  }
  const Candidates kept = candidates(logits);
  for (size_t i = 0; i < kept.ids.size(); ++i) result[static_cast<size_t>(kept.ids[i])] = static_cast<float>(kept.probs[i]);
  return result;
}

}  // namespace spyhop
