// Multi-head attention, with grouped key heads where the config has fewer of them.
#pragma once

#include <string>

#include "runtime/attention.h"
#include "runtime/layers.h"

namespace spyhop {

/// Caches the rotated keys and the values.
/// Source: LlamaAttention of transformers, which deepseek-vl2-tiny selects by use_mla = false.
class MhaAttention : public Attention {
 public:
  MhaAttention(const Weights& weights, const std::string& prefix, const LanguageConfig& config);
  at::Tensor forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const override;

 private:
  at::Tensor attend(const at::Tensor& queries, const StepBatch& batch, const KvLayer& cache) const;

  int64_t num_heads_;
  int64_t num_kv_heads_;
  int64_t head_dim_;
  double scale_;
  Linear q_proj_;
  Linear k_proj_;
  Linear v_proj_;
  Linear o_proj_;
};

}  // namespace spyhop
