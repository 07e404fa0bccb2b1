#include "runtime/activation_plan.h"

#include <algorithm>

namespace spyhop {
namespace {

constexpr int64_t kF32Bytes = 4;
constexpr int64_t kIndexBytes = 8;

// Of the attention kernel: rows that a thread works on at a time, where keys lie as they are read and where they are turned.
constexpr int64_t kUnitRows = 12;
constexpr int64_t kUnitRowsOfTurnedKeys = 48;

int64_t element_bytes(ComputeType compute) {
  return compute == ComputeType::kF32 ? kF32Bytes : 2;
}

/// Scores in f32 and probabilities in the compute type, of each thread.
int64_t attention_scratch(ComputeType compute, int64_t unit_rows, int64_t num_keys, int num_threads) {
  return num_threads * unit_rows * num_keys * (kF32Bytes + element_bytes(compute));
}

/// Numbers per row while the attention's output is computed: normed input, projections, mixed values, result.
int64_t attention_width(const LanguageConfig& c) {
  const int64_t around = int64_t{2} * c.hidden_size;
  if (!c.use_mla) return around + int64_t{2} * c.num_heads * c.head_dim() + int64_t{2} * c.num_kv_heads * c.head_dim();
  const int64_t cached = int64_t{c.kv_lora_rank} + c.qk_rope_head_dim;
  return around + cached + c.num_heads * (c.qk_head_dim() + cached + c.kv_lora_rank + c.v_head_dim);
}

/// The same while the experts run: rows in expert order with their results, and the inner rows of routed and shared experts.
int64_t moe_width(const LanguageConfig& c) {
  const int64_t k = c.num_experts_per_token;
  const int64_t shared = c.num_shared_experts.value_or(0);
  const int64_t outside = c.hidden_size * (2 + 2 * k + (shared > 0 ? 1 : 0));
  return outside + c.moe_intermediate_size * (k + shared);
}

int64_t mlp_width(const LanguageConfig& c) {
  int64_t widest = 0;
  for (int layer = 0; layer < c.num_layers; ++layer) {
    widest = std::max(widest, c.is_moe_layer(layer) ? moe_width(c) : int64_t{2} * c.hidden_size + c.intermediate_size);
  }
  return widest;
}

/// Rows that products take at the same time, as bytes with a scale and an offset for each 64.
int64_t quantized_input_bytes(const LanguageConfig& c, int64_t num_rows) {
  const int64_t k = c.num_experts_per_token;
  const int64_t experts = std::max((k + 1) * c.hidden_size, (k + c.num_shared_experts.value_or(0)) * c.moe_intermediate_size);
  const int64_t mixed = int64_t{c.num_heads} * (c.use_mla ? c.v_head_dim : c.head_dim());
  const int64_t widest = std::max({experts, mixed, int64_t{c.intermediate_size}});
  return num_rows * (widest + widest / 8);
}

}  // namespace

int64_t language_activation_bytes(const LanguageConfig& config, ComputeType compute, const StepShape& step) {
  const int64_t rope = config.use_mla ? config.qk_rope_head_dim : config.head_dim();
  const int64_t widest = std::max(attention_width(config), mlp_width(config));
  const int64_t row = element_bytes(compute) * (config.hidden_size + rope + widest);
  const int64_t routing = config.num_experts_per_token * (kIndexBytes + kF32Bytes);
  const int64_t unit_rows = config.use_mla ? kUnitRowsOfTurnedKeys : kUnitRows;
  return step.num_rows * (row + kIndexBytes + routing) +
         (step.quantizes_inputs ? quantized_input_bytes(config, step.num_rows) : 0) +
         attention_scratch(compute, unit_rows, step.max_context, step.num_threads);
}

int64_t logits_bytes(const LanguageConfig& config, ComputeType compute, const StepShape& step) {
  const int64_t converted = compute == ComputeType::kF32 ? 0 : element_bytes(compute);
  const int64_t rows =
      step.num_logits * (config.vocab_size * (kF32Bytes + converted) + 2 * config.hidden_size * element_bytes(compute));
  // Of each thread's sampler: penalised logits, shares, and the ids and shares of those that are kept.
  const int64_t sampled = step.num_threads * config.vocab_size * int64_t{4} * kF32Bytes;
  return rows + sampled;
}

int64_t vision_activation_bytes(const ModelConfig& config, ComputeType compute, int num_tiles, int num_threads) {
  const VisionConfig& vision = config.vision;
  const int64_t bytes = element_bytes(compute);
  const int64_t patches = vision.num_patches();
  const int64_t width = vision.width;
  const int64_t pixels = int64_t{3} * vision.image_size * vision.image_size;

  const int64_t begun = pixels * (kF32Bytes + bytes);
  const int64_t embedding = patches * bytes * (int64_t{3} * vision.patch_size * vision.patch_size + 2 * width);
  const int64_t attention = patches * bytes * 8 * width;
  const int64_t mlp = patches * bytes * (3 * width + int64_t{2} * vision.mlp_hidden());

  const int64_t ratio = config.projector.downsample_ratio;
  const int64_t side = (vision.grid() + ratio - 1) / ratio;
  const int64_t folded = ratio * ratio * width * bytes;
  const int64_t inner = int64_t{config.projector.n_embed} * config.projector.mlp_ratio;
  const int64_t projector = patches * width * 2 * bytes + side * side * (2 * folded + inner * (2 * bytes + 4 * kF32Bytes));

  const int64_t tile = std::max({begun + embedding, attention, mlp, projector});
  return num_tiles * tile + attention_scratch(compute, kUnitRows, patches, num_threads);
}

}  // namespace spyhop
