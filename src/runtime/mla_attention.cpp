#include "runtime/mla_attention.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/kernels/attend.h"
#include "runtime/kernels/matmul.h"

namespace spyhop {
namespace {

constexpr double kLatentNormEps = 1e-6;  // fixed in the original, whatever rms_norm_eps says

at::Tensor rows_of(const at::Tensor& x, const SequenceSpan& span) {
  return x.narrow(0, span.first_row, span.num_tokens);
}

at::Tensor joined(const std::vector<at::Tensor>& parts) {
  return parts.size() == 1 ? parts.front() : at::cat(parts);
}

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
      kv_b_proj_(weights, prefix + ".kv_b_proj"),
      o_proj_(weights, prefix + ".o_proj") {
  if (config.q_lora_rank) {
    q_a_proj_.emplace(weights, prefix + ".q_a_proj");
    q_a_norm_.emplace(weights, prefix + ".q_a_layernorm", kLatentNormEps);
    q_b_proj_.emplace(weights, prefix + ".q_b_proj");
  } else {
    q_proj_.emplace(weights, prefix + ".q_proj");
  }
  const at::Tensor per_head = kv_b_proj_.weight().view({num_heads_, nope_ + value_dim_, rank_});
  absorb_keys_ = per_head.narrow(1, 0, nope_);
  absorb_values_ = per_head.narrow(1, nope_, value_dim_).transpose(1, 2);
}

bool MlaAttention::prefers_absorbed(int64_t num_queries, int64_t num_keys) const {
  const int64_t pairs = num_queries * num_keys;
  const int64_t through_kv_b = rank_ * (nope_ + value_dim_);
  return num_queries * through_kv_b + pairs * (2 * rank_ + rope_) <=
         num_keys * through_kv_b + pairs * (nope_ + rope_ + value_dim_);
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

at::Tensor MlaAttention::attend_expanded(const at::Tensor& queries, const SequenceSpan& span, const KvStore& cache) const {
  const at::Tensor rows = cache.gather(*span.block_table, span.num_keys());
  const at::Tensor expanded = kv_b_proj_.forward(rows.narrow(1, 0, rank_)).view({-1, num_heads_, nope_ + value_dim_});
  const at::Tensor rope_key = rows.narrow(1, rank_, rope_).unsqueeze(1).expand({-1, num_heads_, -1});
  const at::Tensor keys = at::cat({expanded.narrow(2, 0, nope_), rope_key}, 2);
  return kernels::attend({queries, keys, expanded.narrow(2, nope_, value_dim_), scale_, /*causal=*/true});
}

/// kv_b is read once for all sequences. Returns their rows one behind the other.
at::Tensor MlaAttention::attend_absorbed(const at::Tensor& queries, const std::vector<SequenceSpan>& spans,
                                         const KvStore& cache) const {
  std::vector<at::Tensor> parts;
  for (const SequenceSpan& span : spans) parts.push_back(rows_of(queries, span));
  const at::Tensor chosen = joined(parts);
  const at::Tensor latent =
      kernels::batched_matmul(chosen.narrow(2, 0, nope_).transpose(0, 1), absorb_keys_);  // [heads, tokens, rank]
  const at::Tensor absorbed = at::cat({latent.transpose(0, 1), chosen.narrow(2, nope_, rope_)}, 2);

  parts.clear();
  int64_t first = 0;
  for (const SequenceSpan& span : spans) {
    const at::Tensor rows = cache.gather(*span.block_table, span.num_keys()).unsqueeze(1);  // one key head for all
    parts.push_back(
        kernels::attend({absorbed.narrow(0, first, span.num_tokens), rows, rows.narrow(2, 0, rank_), scale_, /*causal=*/true}));
    first += span.num_tokens;
  }
  const at::Tensor mixed = joined(parts).view({-1, num_heads_, rank_}).transpose(0, 1);
  return kernels::batched_matmul(mixed, absorb_values_).transpose(0, 1).reshape({-1, num_heads_ * value_dim_});
}

at::Tensor MlaAttention::forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const {
  const at::Tensor queries = project_queries(x, batch.rope);
  const at::Tensor rows = project_rows(x, batch.rope);
  KvStore& store = cache.front();
  const at::Tensor out = at::empty({x.size(0), num_heads_ * value_dim_}, x.options());
  std::vector<SequenceSpan> absorbed;
  for (const SequenceSpan& span : batch.sequences) {
    store.write(*span.block_table, span.first_position, rows_of(rows, span));
    if (prefers_absorbed(span.num_tokens, span.num_keys())) {
      absorbed.push_back(span);
    } else {
      rows_of(out, span).copy_(attend_expanded(rows_of(queries, span), span, store));
    }
  }
  if (absorbed.empty()) return o_proj_.forward(out);
  const at::Tensor values = attend_absorbed(queries, absorbed, store);
  if (absorbed.size() == batch.sequences.size()) return o_proj_.forward(values);
  int64_t first = 0;
  for (const SequenceSpan& span : absorbed) {
    rows_of(out, span).copy_(values.narrow(0, first, span.num_tokens));
    first += span.num_tokens;
  }
  return o_proj_.forward(out);
}

}  // namespace spyhop
