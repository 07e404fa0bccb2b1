#include "runtime/mha_attention.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/kernels/attend.h"
#include "runtime/kernels/attend_paged.h"
#include "runtime/kernels/check.h"

namespace spyhop {
namespace {

enum RowKind : size_t { kKeys = 0, kValues = 1 };

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

at::Tensor MhaAttention::attend_sequence(const at::Tensor& queries, const SequenceSpan& span, const KvLayer& cache) const {
  if (span.num_tokens == 1 && on_cpu(queries)) {
    return kernels::attend_paged({queries.squeeze(0), cache[kKeys].blocks(), cache[kValues].blocks(), span.block_table,
                                  span.num_keys(), num_kv_heads_, scale_});
  }
  const at::Tensor keys = cache[kKeys].gather(*span.block_table, span.num_keys());
  const at::Tensor values = cache[kValues].gather(*span.block_table, span.num_keys());
  return kernels::attend({queries, keys.unflatten(1, {num_kv_heads_, head_dim_}),
                          values.unflatten(1, {num_kv_heads_, head_dim_}), scale_,
                          /*causal=*/true});
}

at::Tensor MhaAttention::forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const {
  const at::Tensor queries = q_proj_.forward(x).view({-1, num_heads_, head_dim_});
  const at::Tensor keys = k_proj_.forward(x);
  const at::Tensor values = v_proj_.forward(x);
  kernels::apply_rope(queries, batch.rope, kernels::RopePairs::kHalfSplit);
  kernels::apply_rope(keys.view({-1, num_kv_heads_, head_dim_}), batch.rope, kernels::RopePairs::kHalfSplit);

  std::vector<at::Tensor> parts;
  for (const SequenceSpan& span : batch.sequences) {
    cache[kKeys].write(*span.block_table, span.first_position, keys.narrow(0, span.first_row, span.num_tokens));
    cache[kValues].write(*span.block_table, span.first_position, values.narrow(0, span.first_row, span.num_tokens));
    parts.push_back(attend_sequence(queries.narrow(0, span.first_row, span.num_tokens), span, cache));
  }
  return o_proj_.forward(parts.size() == 1 ? parts.front() : at::cat(parts));
}

}  // namespace spyhop
