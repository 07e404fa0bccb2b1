#include "runtime/attention.h"

#include "runtime/mha_attention.h"
#include "runtime/mla_attention.h"

namespace spyhop {

std::vector<int64_t> kv_cache_widths(const LanguageConfig& config) {
  if (config.use_mla) return {config.kv_lora_rank + config.qk_rope_head_dim};
  const int64_t width = static_cast<int64_t>(config.num_kv_heads) * config.head_dim();
  return {width, width};
}

int rope_dim(const LanguageConfig& config) {
  return config.use_mla ? config.qk_rope_head_dim : config.head_dim();
}

std::unique_ptr<Attention> make_attention(const Weights& weights, const std::string& prefix, const LanguageConfig& config) {
  if (config.use_mla) return std::make_unique<MlaAttention>(weights, prefix, config);
  return std::make_unique<MhaAttention>(weights, prefix, config);
}

}  // namespace spyhop
