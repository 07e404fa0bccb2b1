#include <string>
#include <utility>
#include <vector>

#include "runtime/weights.h"

namespace spyhop {
namespace {

/// Collects specs under name prefixes.
class SpecList {
 public:
  /// What is added from here on is of this kind.
  void begin(WeightKind kind) { kind_ = kind; }

  void add(const std::string& name, std::vector<int64_t> shape) { specs_.push_back({name, std::move(shape), kind_, used_}); }

  void add_linear(const std::string& name, int64_t out, int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }

  void add_norm(const std::string& name, int64_t width) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  }

  /// Gated MLP without biases.
  void add_gated_mlp(const std::string& name, int64_t hidden, int64_t intermediate) {
    add(name + ".gate_proj.weight", {intermediate, hidden});
    add(name + ".up_proj.weight", {intermediate, hidden});
    add(name + ".down_proj.weight", {hidden, intermediate});
  }

  void set_used(bool used) { used_ = used; }
  std::vector<TensorSpec> finish() { return std::move(specs_); }

 private:
  std::vector<TensorSpec> specs_;
  WeightKind kind_ = WeightKind::kVision;
  bool used_ = true;
};

void add_vision(SpecList& list, const VisionConfig& vision) {
  const int64_t width = vision.width;
  const int64_t mlp = vision.mlp_hidden();
  list.begin(WeightKind::kVision);
  list.add("vision.patch_embed.proj.weight", {width, 3, vision.patch_size, vision.patch_size});
  list.add("vision.patch_embed.proj.bias", {width});
  list.add("vision.pos_embed", {1, vision.num_patches(), width});
  for (int i = 0; i < vision.num_layers; ++i) {
    const std::string block = "vision.blocks." + std::to_string(i);
    list.add_norm(block + ".norm1", width);
    list.add_linear(block + ".attn.qkv", 3 * width, width);
    list.add_linear(block + ".attn.proj", width, width);
    list.add_norm(block + ".norm2", width);
    list.add_linear(block + ".mlp.fc1", mlp, width);
    list.add_linear(block + ".mlp.fc2", width, mlp);
  }
  list.add_norm("vision.norm", width);

  list.set_used(false);
  list.add("vision.attn_pool.latent", {1, 1, width});
  list.add_linear("vision.attn_pool.q", width, width);
  list.add_linear("vision.attn_pool.kv", 2 * width, width);
  list.add_linear("vision.attn_pool.proj", width, width);
  list.add_norm("vision.attn_pool.norm", width);
  list.add_linear("vision.attn_pool.mlp.fc1", mlp, width);
  list.add_linear("vision.attn_pool.mlp.fc2", width, mlp);
  list.set_used(true);
}

void add_projector(SpecList& list, const ModelConfig& config) {
  const ProjectorConfig& projector = config.projector;
  const int64_t folded = int64_t{projector.downsample_ratio} * projector.downsample_ratio * projector.input_dim;
  const int64_t inner = int64_t{projector.n_embed} * projector.mlp_ratio;
  list.begin(WeightKind::kProjector);
  for (int i = 0; i < projector.depth; ++i) {
    // A Sequential: every second entry is the activation.
    const std::string name = "projector.layers." + std::to_string(2 * i);
    list.add_linear(name, i + 1 == projector.depth ? projector.n_embed : inner, i == 0 ? folded : inner);
  }
  list.add("image_newline", {projector.n_embed});
  list.add("view_seperator", {projector.n_embed});
}

void add_attention(SpecList& list, const LanguageConfig& language, const std::string& name) {
  const int64_t hidden = language.hidden_size;
  list.begin(WeightKind::kAttention);
  if (!language.use_mla) {
    const int64_t kv_width = int64_t{language.num_kv_heads} * language.head_dim();
    list.add(name + ".q_proj.weight", {hidden, hidden});
    list.add(name + ".k_proj.weight", {kv_width, hidden});
    list.add(name + ".v_proj.weight", {kv_width, hidden});
    list.add(name + ".o_proj.weight", {hidden, hidden});
    return;
  }
  const int64_t heads = language.num_heads;
  const int64_t rank = language.kv_lora_rank;
  list.add(name + ".q_proj.weight", {heads * language.qk_head_dim(), hidden});
  list.add(name + ".kv_a_proj_with_mqa.weight", {rank + language.qk_rope_head_dim, hidden});
  list.begin(WeightKind::kNorm);
  list.add(name + ".kv_a_layernorm.weight", {rank});
  list.begin(WeightKind::kAttention);
  list.add(name + ".kv_b_proj.weight", {heads * (language.qk_nope_head_dim + language.v_head_dim), rank});
  list.add(name + ".o_proj.weight", {hidden, heads * language.v_head_dim});
}

void add_moe(SpecList& list, const LanguageConfig& language, const std::string& name) {
  const int64_t hidden = language.hidden_size;
  const int64_t width = language.moe_intermediate_size;
  const int experts = language.num_routed_experts.value_or(0);
  list.begin(WeightKind::kRouter);
  list.add(name + ".gate.weight", {experts, hidden});
  if (language.topk_method == TopkMethod::kNoauxTc) list.add(name + ".gate.e_score_correction_bias", {experts});
  list.begin(WeightKind::kRoutedExperts);
  for (int i = 0; i < experts; ++i) list.add_gated_mlp(name + ".experts." + std::to_string(i), hidden, width);
  if (language.num_shared_experts) {
    list.begin(WeightKind::kSharedExperts);
    list.add_gated_mlp(name + ".shared_experts", hidden, width * *language.num_shared_experts);
  }
}

void add_language(SpecList& list, const LanguageConfig& language) {
  const int64_t hidden = language.hidden_size;
  list.begin(WeightKind::kEmbedding);
  list.add("language.model.embed_tokens.weight", {language.vocab_size, hidden});
  for (int i = 0; i < language.num_layers; ++i) {
    const std::string layer = "language.model.layers." + std::to_string(i);
    list.begin(WeightKind::kNorm);
    list.add(layer + ".input_layernorm.weight", {hidden});
    add_attention(list, language, layer + ".self_attn");
    list.begin(WeightKind::kNorm);
    list.add(layer + ".post_attention_layernorm.weight", {hidden});
    if (language.is_moe_layer(i)) {
      add_moe(list, language, layer + ".mlp");
    } else {
      list.begin(WeightKind::kDenseMlp);
      list.add_gated_mlp(layer + ".mlp", hidden, language.intermediate_size);
    }
  }
  list.begin(WeightKind::kNorm);
  list.add("language.model.norm.weight", {hidden});
  list.begin(WeightKind::kLmHead);
  list.add("language.lm_head.weight", {language.vocab_size, hidden});
}

}  // namespace

const char* weight_kind_name(WeightKind kind) {
  switch (kind) {
    case WeightKind::kVision:
      return "vision";
    case WeightKind::kProjector:
      return "projector";
    case WeightKind::kEmbedding:
      return "embedding";
    case WeightKind::kAttention:
      return "attention";
    case WeightKind::kDenseMlp:
      return "dense_mlp";
    case WeightKind::kRoutedExperts:
      return "routed_experts";
    case WeightKind::kSharedExperts:
      return "shared_experts";
    case WeightKind::kRouter:
      return "router";
    case WeightKind::kNorm:
      return "norms";
    case WeightKind::kLmHead:
      return "lm_head";
  }
  return "";
}

int64_t TensorSpec::num_elements() const {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

std::vector<TensorSpec> expected_tensors(const ModelConfig& config) {
  SpecList list;
  add_vision(list, config.vision);
  add_projector(list, config);
  add_language(list, config.language);
  return list.finish();
}

}  // namespace spyhop
