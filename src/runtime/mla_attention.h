// Multi-head latent attention.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/attention.h"
#include "runtime/layers.h"

namespace spyhop {

/// Caches the normalised latent and the rotated shared key: kv_lora_rank + rope numbers per token. Always in the absorbed form:
/// queries go through kv_b into the latent space, where all heads share the cached rows, and the mixed latents through kv_b out
/// of it. The expanded form (kv_b makes each head's keys and values) would spare a few percent of a long prompt, but gives
/// other last bits, and a token's bits must not depend on how its prompt was cut or what of it was cached. Source:
/// DeepseekV2Attention.
class MlaAttention : public Attention {
 public:
  MlaAttention(const Weights& weights, const std::string& prefix, const LanguageConfig& config);
  at::Tensor forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const override;

 private:
  at::Tensor project_queries(const at::Tensor& x, const kernels::RopeTable& rope) const;
  at::Tensor project_rows(const at::Tensor& x, const kernels::RopeTable& rope) const;
  at::Tensor attend(const at::Tensor& absorbed, const StepBatch& batch, const KvStore& cache) const;

  int64_t num_heads_;
  int64_t rank_;  // kv_lora_rank
  int64_t nope_;
  int64_t rope_;
  int64_t value_dim_;
  double scale_;
  std::optional<Linear> q_proj_;  // without query compression
  std::optional<Linear> q_a_proj_;
  std::optional<RmsNorm> q_a_norm_;
  std::optional<Linear> q_b_proj_;
  Linear kv_a_proj_;
  RmsNorm kv_a_norm_;
  std::vector<Linear> absorb_keys_;    // of kv_b, per head: nope -> rank
  std::vector<Linear> absorb_values_;  // of kv_b, per head: rank -> value_dim
  Linear o_proj_;
};

}  // namespace spyhop
