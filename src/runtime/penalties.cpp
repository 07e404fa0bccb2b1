#include "runtime/penalties.h"

#include <string>

#include "spyhop/error.h"

namespace spyhop {

Penalties::Penalties(const SamplingParams& params, const std::vector<int32_t>& prompt, int vocab_size, const TokenRules& rules)
    : vocab_size_(vocab_size),
      repetition_(static_cast<float>(params.repetition_penalty)),
      frequency_(params.frequency_penalty),
      presence_(params.presence_penalty),
      bias_(params.logit_bias),
      bans_(rules) {
  for (const int32_t id : prompt) {
    if (id < 0 || id >= vocab_size)
      throw Error(ErrorCode::kInternal, "prompt token " + std::to_string(id) + " is not in the vocabulary");
  }
  for (const auto& [id, bias] : bias_) {
    if (id >= 0 && id < vocab_size) continue;
    throw Error(ErrorCode::kInvalidRequest,
                "logit_bias names token " + std::to_string(id) + "; the vocabulary has 0 to " + std::to_string(vocab_size - 1),
                "logit_bias");
  }
  if (repetition_ == 1.0F) return;
  is_seen_.resize(static_cast<size_t>(vocab_size));
  for (const int32_t id : prompt) mark_seen(id);
}

bool Penalties::any() const {
  return !seen_.empty() || !counts_.empty() || !bias_.empty() || bans_.any();
}

void Penalties::apply(float* logits, const uint64_t* mask) const {
  for (const int32_t id : seen_) logits[id] = logits[id] < 0 ? logits[id] * repetition_ : logits[id] / repetition_;
  for (const auto& [id, count] : counts_) logits[id] -= static_cast<float>(frequency_ * count + presence_);
  for (const auto& [id, bias] : bias_) logits[id] += static_cast<float>(bias);
  if (bans_.any()) bans_.apply(logits, vocab_size_, mask);
}

void Penalties::count(int32_t id) {
  if (!is_seen_.empty()) mark_seen(id);
  if (frequency_ != 0 || presence_ != 0) ++counts_[id];
  bans_.count(id);
}

void Penalties::mark_seen(int32_t id) {
  if (is_seen_[static_cast<size_t>(id)]) return;
  is_seen_[static_cast<size_t>(id)] = true;
  seen_.push_back(id);
}

}  // namespace spyhop
