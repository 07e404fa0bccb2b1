#include "runtime/attention.h"

#include "runtime/mha_attention.h"
#include "runtime/mla_attention.h"

namespace spyhop {

std::vector<kernels::RowKind> kv_row_kinds(const LanguageConfig& config) {
  // A latent is both key and value; it lies as a value, and is turned where it is a key.
  if (config.use_mla) return {{kernels::RowLayout::kValues, 1, config.kv_lora_rank + config.qk_rope_head_dim}};
  return {{kernels::RowLayout::kKeys, config.num_kv_heads, config.head_dim()},
          {kernels::RowLayout::kValues, config.num_kv_heads, config.head_dim()}};
}

std::vector<kernels::AttendSpan> attend_spans(const std::vector<SequenceSpan>& sequences) {
  std::vector<kernels::AttendSpan> spans;
  for (const SequenceSpan& span : sequences) {
    spans.push_back({span.first_row, span.num_tokens, span.first_position, span.block_table});
  }
  return spans;
}

int rope_dim(const LanguageConfig& config) {
  return config.use_mla ? config.qk_rope_head_dim : config.head_dim();
}

std::unique_ptr<Attention> make_attention(const Weights& weights, const std::string& prefix, const LanguageConfig& config) {
  if (config.use_mla) return std::make_unique<MlaAttention>(weights, prefix, config);
  return std::make_unique<MhaAttention>(weights, prefix, config);
}

}  // namespace spyhop
