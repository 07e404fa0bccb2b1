#include "runtime/mla_attention.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/kernels/check.h"

namespace spyhop {
namespace {

constexpr double kLatentNormEps = 1e-6;  // fixed in the original, whatever rms_norm_eps says

}  // namespace

MlaAttention::MlaAttention(const Weights& weights, const std::string& prefix, const LanguageConfig& config)
    : num_heads_(config.num_heads),
      rank_(config.kv_lora_rank),
      nope_(config.qk_nope_head_dim),
      rope_(config.qk_rope_head_dim),
      value_dim_(config.v_head_dim),
      scale_(1.0 / std::sqrt(static_cast<double>(config.qk_head_dim()))),
      kv_a_proj_(weights, prefix + ".kv_a_proj_with_mqa"),
      kv_a_norm_(weights, prefix + ".kv_a_layernorm", kLatentNormEps),
      o_proj_(weights, prefix + ".o_proj") {
  if (config.q_lora_rank) {
    q_a_proj_.emplace(weights, prefix + ".q_a_proj");
    q_a_norm_.emplace(weights, prefix + ".q_a_layernorm", kLatentNormEps);
    q_b_proj_.emplace(weights, prefix + ".q_b_proj");
  } else {
    q_proj_.emplace(weights, prefix + ".q_proj");
  }
  const at::Tensor per_head = weights.at(prefix + ".kv_b_proj.weight").view({num_heads_, nope_ + value_dim_, rank_});
  for (int64_t head = 0; head < num_heads_; ++head) {
    absorb_keys_.emplace_back(per_head[head].narrow(0, 0, nope_).transpose(0, 1));
    absorb_values_.emplace_back(per_head[head].narrow(0, nope_, value_dim_));
  }
}

/// [num_tokens, num_heads, nope + rope], rotated.
at::Tensor MlaAttention::project_queries(const at::Tensor& x, const kernels::RopeTable& rope) const {
  const at::Tensor flat = q_proj_ ? q_proj_->forward(x) : q_b_proj_->forward(q_a_norm_->forward(q_a_proj_->forward(x)));
  const at::Tensor queries = flat.view({-1, num_heads_, nope_ + rope_});
  kernels::apply_rope(queries.narrow(2, nope_, rope_), rope, kernels::RopePairs::kInterleaved);
  return queries;
}

/// What the cache keeps of each token: [num_tokens, rank + rope].
at::Tensor MlaAttention::project_rows(const at::Tensor& x, const kernels::RopeTable& rope) const {
  const at::Tensor rows = kv_a_proj_.forward(x);
  rows.narrow(1, 0, rank_).copy_(kv_a_norm_.forward(rows.narrow(1, 0, rank_)));
  kernels::apply_rope(rows.narrow(1, rank_, rope_).unsqueeze(1), rope, kernels::RopePairs::kInterleaved);
  return rows;
}

/// absorbed: [num_tokens, num_heads, rank + rope]. Returns [num_tokens, num_heads * rank].
at::Tensor MlaAttention::attend(const at::Tensor& absorbed, const StepBatch& batch, const KvStore& cache) const {
  if (on_cpu(absorbed)) {
    return kernels::attend({absorbed, cache.paged(), cache.paged(), rank_, scale_, attend_spans(batch.sequences)});
  }
  std::vector<at::Tensor> parts;
  for (const SequenceSpan& span : batch.sequences) {
    const at::Tensor rows = cache.gather(*span.block_table, span.num_keys()).unsqueeze(1);  // one key head for all
    parts.push_back(kernels::attend_aten(
        {absorbed.narrow(0, span.first_row, span.num_tokens), rows, rows.narrow(2, 0, rank_), scale_, /*causal=*/true}));
  }
  return at::cat(parts);
}

at::Tensor MlaAttention::forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const {
  const at::Tensor queries = project_queries(x, batch.rope);
  const at::Tensor rows = project_rows(x, batch.rope);
  KvStore& store = cache.front();
  for (const SequenceSpan& span : batch.sequences) {
    store.write(*span.block_table, span.first_position, rows.narrow(0, span.first_row, span.num_tokens));
  }

  const at::Tensor absorbed = at::empty({x.size(0), num_heads_, rank_ + rope_}, x.options());
  absorbed.narrow(2, rank_, rope_).copy_(queries.narrow(2, nope_, rope_));
  forward_each(absorb_keys_, queries.narrow(2, 0, nope_), absorbed.narrow(2, 0, rank_));
  const at::Tensor mixed = attend(absorbed, batch, store).view({-1, num_heads_, rank_});
  const at::Tensor values = at::empty({x.size(0), num_heads_, value_dim_}, x.options());
  forward_each(absorb_values_, mixed, values);
  return o_proj_.forward(values.view({-1, num_heads_ * value_dim_}));
}

}  // namespace spyhop
