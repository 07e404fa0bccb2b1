// The dimensions of a DeepSeek-VL2 checkpoint, read from its config.json and processor_config.json.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spyhop/config.h"

namespace spyhop {

/// SigLIP tower. Source: vision_config.
struct VisionConfig {
  int image_size = 384;  // side of a tile, pixels (S)
  int patch_size = 16;   // pixels (P)
  int width = 1024;      // W
  int num_layers = 24;
  int num_heads = 16;
  double mlp_ratio = 4.0;

  int grid() const { return image_size / patch_size; }  // g: patches per tile side
  int num_patches() const { return grid() * grid(); }
  int head_dim() const { return width / num_heads; }
  int mlp_hidden() const { return static_cast<int>(width * mlp_ratio); }
};

/// Downsampling MLP between the tower and the language model. Source: projector_config.
struct ProjectorConfig {
  int input_dim = 1152;
  int n_embed = 2048;
  int depth = 2;  // linear layers
  int mlp_ratio = 1;
  int downsample_ratio = 2;  // r
};

enum class ScoringFunc { kSoftmax, kSigmoid };
enum class TopkMethod { kGreedy, kGroupLimitedGreedy, kNoauxTc };

/// Source: language_config; defaults are those of the reference's DeepseekV2Config.
struct LanguageConfig {
  int vocab_size = 102400;
  int hidden_size = 4096;
  int intermediate_size = 11008;
  int moe_intermediate_size = 1407;
  int num_layers = 30;
  int num_heads = 32;
  int num_kv_heads = 32;
  bool use_mla = true;
  int kv_lora_rank = 512;
  std::optional<int> q_lora_rank = 1536;
  int qk_nope_head_dim = 128;
  int qk_rope_head_dim = 64;
  int v_head_dim = 128;
  std::optional<int> num_routed_experts;
  std::optional<int> num_shared_experts;
  int num_experts_per_token = 0;
  int first_k_dense_replace = 0;
  int moe_layer_freq = 1;
  TopkMethod topk_method = TopkMethod::kGreedy;
  ScoringFunc scoring_func = ScoringFunc::kSoftmax;
  int n_group = 1;
  int topk_group = 1;
  bool norm_topk_prob = false;
  double routed_scaling_factor = 1.0;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000.0;
  int max_position_embeddings = 2048;

  bool is_moe_layer(int layer) const {
    return num_routed_experts && layer >= first_k_dense_replace && layer % moe_layer_freq == 0;
  }
  int head_dim() const { return hidden_size / num_heads; }                 // MHA
  int qk_head_dim() const { return qk_nope_head_dim + qk_rope_head_dim; }  // MLA
};

struct Resolution {
  int width = 0;
  int height = 0;
};

/// What prompt and image handling need. Source: processor_config.json, falling back to config.json.
struct ProcessorConfig {
  int image_size = 384;  // S, equal to VisionConfig::image_size
  int patch_size = 14;
  int downsample_ratio = 2;
  std::vector<Resolution> candidate_resolutions;  // file order breaks ties
  std::array<double, 3> image_mean{0.5, 0.5, 0.5};
  std::array<double, 3> image_std{0.5, 0.5, 0.5};
  std::string image_token = "<image>";
  std::string pad_token = "<｜▁pad▁｜>";
  bool global_view_first = true;  // global_view_pos "head"

  /// Tokens per tile side: t = ceil(floor(S / P) / r).
  int tile_tokens() const { return (image_size / patch_size + downsample_ratio - 1) / downsample_ratio; }
};

struct ModelConfig {
  Quantization quantization = Quantization::kNone;  // of the stored weights. Source: quantization_config
  VisionConfig vision;
  ProjectorConfig projector;
  LanguageConfig language;
  ProcessorConfig processor;
};

/// Reads `dir`/config.json and, when it is there, `dir`/processor_config.json. Unknown enum values, wrong types, values
/// out of range and dimensions that do not fit together are reported together, each with file, key, value and what is allowed.
/// Throws Error{kModelLoad}.
ModelConfig load_model_config(const std::string& dir);

/// The same from texts in memory; `processor_json` may be empty.
ModelConfig parse_model_config(const std::string& config_json, const std::string& processor_json);

}  // namespace spyhop
