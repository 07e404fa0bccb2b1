#include "measure/model_cost.h"

#include "runtime/kv_plan.h"

namespace spyhop {
namespace {

int64_t attention_parameters(const LanguageConfig& c) {
  const int64_t hidden = c.hidden_size;
  const int64_t heads = c.num_heads;
  if (!c.use_mla) return 2 * hidden * hidden + 2 * hidden * c.num_kv_heads * c.head_dim();
  const int64_t queries = heads * c.qk_head_dim();
  const int64_t from_hidden = c.q_lora_rank ? *c.q_lora_rank * (hidden + queries) : hidden * queries;
  return from_hidden + hidden * (c.kv_lora_rank + c.qk_rope_head_dim) +
         c.kv_lora_rank * heads * (c.qk_nope_head_dim + c.v_head_dim) + heads * c.v_head_dim * hidden;
}

/// Those that each token is multiplied with.
int64_t mlp_parameters(const LanguageConfig& c, int layer) {
  const int64_t hidden = c.hidden_size;
  if (!c.is_moe_layer(layer)) return 3 * hidden * c.intermediate_size;
  const int64_t experts = c.num_experts_per_token + c.num_shared_experts.value_or(0);
  return hidden * *c.num_routed_experts + 3 * hidden * c.moe_intermediate_size * experts;
}

/// Of one query and one key it sees: the product of the two, and its share of the value.
int64_t pair_operations(const LanguageConfig& c) {
  const int64_t key_dim = c.use_mla ? c.qk_head_dim() : c.head_dim();
  const int64_t value_dim = c.use_mla ? c.v_head_dim : c.head_dim();
  return 2 * c.num_heads * (key_dim + value_dim);
}

}  // namespace

double prefill_operations(const LanguageConfig& c, int64_t num_tokens) {
  int64_t per_token = 0;
  for (int layer = 0; layer < c.num_layers; ++layer) per_token += 2 * (attention_parameters(c) + mlp_parameters(c, layer));
  const int64_t num_pairs = num_tokens * (num_tokens + 1) / 2;
  const int64_t head = 2 * int64_t{c.vocab_size} * c.hidden_size;
  return static_cast<double>(num_tokens) * static_cast<double>(per_token) +
         static_cast<double>(num_pairs) * static_cast<double>(c.num_layers * pair_operations(c)) + static_cast<double>(head);
}

double tile_operations(const ModelConfig& config) {
  const VisionConfig& v = config.vision;
  const int64_t patches = v.num_patches();
  const int64_t width = v.width;
  const int64_t embedding = 2 * patches * 3 * v.patch_size * v.patch_size * width;
  const int64_t linears = 2 * patches * (4 * width * width + 2 * width * v.mlp_hidden());
  const int64_t attention = 4 * patches * patches * width;

  const ProjectorConfig& p = config.projector;
  const int64_t side = (v.grid() + p.downsample_ratio - 1) / p.downsample_ratio;
  const int64_t folded = int64_t{p.downsample_ratio} * p.downsample_ratio * p.input_dim;
  const int64_t inner = int64_t{p.n_embed} * p.mlp_ratio;
  int64_t projector = 0;
  for (int i = 0; i < p.depth; ++i) {
    projector += 2 * side * side * (i == 0 ? folded : inner) * (i + 1 == p.depth ? p.n_embed : inner);
  }
  return static_cast<double>(embedding + v.num_layers * (linears + attention) + projector);
}

double decode_bytes(const ModelConfig& config, const RuntimeConfig& runtime, const DecodeTraffic& traffic) {
  const WeightPlan plan = plan_weights(config, runtime);
  const int64_t weights = weight_bytes_per_step(config.language, plan, traffic.distinct_experts_per_layer);
  return static_cast<double>(weights) +
         traffic.positions * static_cast<double>(kv_bytes_per_token(config.language, runtime.compute));
}

}  // namespace spyhop
