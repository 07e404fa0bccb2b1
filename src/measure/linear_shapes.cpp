#include "measure/linear_shapes.h"

namespace spyhop {
namespace {

LinearShape single(const std::string& name, int64_t out, int64_t in, bool is_gated = false) {
  LinearShape shape;
  shape.name = name;
  shape.matrices = {{out, in, is_gated}};
  return shape;
}

LinearShape repeated(const std::string& name, int count, const MatrixShape& matrix) {
  LinearShape shape;
  shape.name = name;
  shape.matrices.assign(static_cast<size_t>(count), matrix);
  return shape;
}

void add_attention(std::vector<LinearShape>& shapes, const LanguageConfig& config) {
  const int64_t hidden = config.hidden_size;
  if (!config.use_mla) {
    const int64_t kv = int64_t{config.num_kv_heads} * config.head_dim();
    LinearShape qkv = single("attention.qkv", hidden, hidden);
    qkv.matrices.push_back({kv, hidden, false});
    qkv.matrices.push_back({kv, hidden, false});
    shapes.push_back(qkv);
    shapes.push_back(single("attention.o", hidden, hidden));
    return;
  }
  const int heads = config.num_heads;
  const int64_t rank = config.kv_lora_rank;
  shapes.push_back(single("attention.q", int64_t{heads} * config.qk_head_dim(), hidden));
  shapes.push_back(single("attention.kv_a", rank + config.qk_rope_head_dim, hidden));
  shapes.push_back(repeated("attention.absorb_keys", heads, {rank, config.qk_nope_head_dim, false}));
  shapes.push_back(repeated("attention.absorb_values", heads, {config.v_head_dim, rank, false}));
  shapes.push_back(single("attention.o", hidden, int64_t{heads} * config.v_head_dim));
}

void add_experts(std::vector<LinearShape>& shapes, const LanguageConfig& config) {
  if (!config.num_routed_experts) return;
  const int64_t width = config.moe_intermediate_size;
  const int64_t shared = width * config.num_shared_experts.value_or(0);
  const auto add = [&](const std::string& name, const MatrixShape& expert, const MatrixShape& shared_expert) {
    LinearShape shape;
    shape.name = name;
    if (shared > 0) shape.matrices = {shared_expert};
    shape.expert = expert;
    shape.num_experts = *config.num_routed_experts;
    shape.experts_per_row = config.num_experts_per_token;
    shapes.push_back(shape);
  };
  const int64_t hidden = config.hidden_size;
  add("experts.gate_up", {width, hidden, true}, {shared, hidden, true});
  add("experts.down", {hidden, width, false}, {hidden, shared, false});
}

}  // namespace

std::vector<LinearShape> linear_shapes(const LanguageConfig& config) {
  std::vector<LinearShape> shapes;
  add_attention(shapes, config);
  if (config.first_k_dense_replace > 0 || !config.num_routed_experts) {
    shapes.push_back(single("dense.gate_up", config.intermediate_size, config.hidden_size, /*is_gated=*/true));
    shapes.push_back(single("dense.down", config.hidden_size, config.intermediate_size));
  }
  add_experts(shapes, config);
  shapes.push_back(single("lm_head", config.vocab_size, config.hidden_size));
  return shapes;
}

std::vector<LinearShape> linear_shapes(const VisionConfig& config) {
  const int64_t width = config.width;
  return {single("qkv", 3 * width, width), single("proj", width, width), single("fc1", config.mlp_hidden(), width),
          single("fc2", width, config.mlp_hidden())};
}

}  // namespace spyhop
