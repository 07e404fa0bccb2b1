// Multi-head latent attention.
#pragma once

#include <optional>
#include <string>

#include "runtime/attention.h"
#include "runtime/layers.h"

namespace spyhop {

/// Caches the normalised latent and the rotated shared key: kv_lora_rank + rope numbers per token. Two equal forms:
/// absorbed (queries go through kv_b into the latent space, all heads share the cached row) and expanded (kv_b makes each
/// head's keys and values of all cached rows). The cheaper one is taken per sequence: absorbed for a few queries, expanded for
/// long chunks. Source: DeepseekV2Attention.
class MlaAttention : public Attention {
 public:
  MlaAttention(const Weights& weights, const std::string& prefix, const LanguageConfig& config);
  at::Tensor forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const override;

  /// Which form `forward` takes; by the number of multiplications.
  bool prefers_absorbed(int64_t num_queries, int64_t num_keys) const;

 private:
  at::Tensor project_queries(const at::Tensor& x, const kernels::RopeTable& rope) const;
  at::Tensor project_rows(const at::Tensor& x, const kernels::RopeTable& rope) const;
  at::Tensor attend_expanded(const at::Tensor& queries, const SequenceSpan& span, const KvStore& cache) const;
  at::Tensor attend_absorbed(const at::Tensor& queries, const std::vector<SequenceSpan>& spans, const KvStore& cache) const;

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
  Linear kv_b_proj_;
  at::Tensor absorb_keys_;    // view of kv_b: [num_heads, nope, rank]
  at::Tensor absorb_values_;  // view of kv_b: [num_heads, rank, value_dim]
  Linear o_proj_;
};

}  // namespace spyhop
