#include "runtime/mha_attention.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/kernels/check.h"

namespace spyhop {
namespace {

enum RowIndex : size_t { kKeys = 0, kValues = 1 };  // of kv_row_kinds

}  // namespace

MhaAttention::MhaAttention(const Weights& weights, const std::string& prefix, const LanguageConfig& config)
    : num_heads_(config.num_heads),
      num_kv_heads_(config.num_kv_heads),
      head_dim_(config.head_dim()),
      scale_(1.0 / std::sqrt(static_cast<double>(config.head_dim()))),
      q_proj_(weights, prefix + ".q_proj"),
      k_proj_(weights, prefix + ".k_proj"),
      v_proj_(weights, prefix + ".v_proj"),
      o_proj_(weights, prefix + ".o_proj") {}

/// queries: [num_tokens, num_heads, head_dim]. Returns [num_tokens, hidden].
at::Tensor MhaAttention::attend(const at::Tensor& queries, const StepBatch& batch, const KvLayer& cache) const {
  if (on_cpu(queries)) {
    return kernels::attend(
        {queries, cache[kKeys].paged(), cache[kValues].paged(), head_dim_, scale_, attend_spans(batch.sequences)});
  }
  std::vector<at::Tensor> parts;
  for (const SequenceSpan& span : batch.sequences) {
    const auto rows = [&](const KvStore& store) {
      return store.gather(*span.block_table, span.num_keys()).unflatten(1, {num_kv_heads_, head_dim_});
    };
    parts.push_back(kernels::attend_aten({queries.narrow(0, span.first_row, span.num_tokens), rows(cache[kKeys]),
                                          rows(cache[kValues]), scale_, /*causal=*/true}));
  }
  return at::cat(parts);
}

at::Tensor MhaAttention::forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const {
  const std::vector<at::Tensor> projected = forward_together(x, {&q_proj_, &k_proj_, &v_proj_});
  const at::Tensor queries = projected[0].view({-1, num_heads_, head_dim_});
  const at::Tensor& keys = projected[1];
  const at::Tensor& values = projected[2];
  kernels::apply_rope(queries, batch.rope, kernels::RopePairs::kHalfSplit);
  kernels::apply_rope(keys.view({-1, num_kv_heads_, head_dim_}), batch.rope, kernels::RopePairs::kHalfSplit);
  for (const SequenceSpan& span : batch.sequences) {
    cache[kKeys].write(*span.block_table, span.first_position, keys.narrow(0, span.first_row, span.num_tokens));
    cache[kValues].write(*span.block_table, span.first_position, values.narrow(0, span.first_row, span.num_tokens));
  }
  return o_proj_.forward(attend(queries, batch, cache));
}

}  // namespace spyhop
