// The image tower.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "registry/model_config.h"
#include "runtime/layers.h"
#include "runtime/runner.h"
#include "runtime/weights.h"

namespace spyhop {

/// SigLIP: a plain pre-norm ViT without class token and pooling.
/// Source: VisionTransformer of siglip_vit.py.
class VisionEncoder {
 public:
  VisionEncoder(const Weights& weights, const VisionConfig& config);

  int num_blocks() const { return static_cast<int>(blocks_.size()); }

  /// Patches with their positions. pixels: [num_tiles, 3, S, S] in the compute type; rows and columns beyond the last whole
  /// patch are never read. Returns [num_tiles, g*g, W].
  at::Tensor embed(const at::Tensor& pixels, VisionTrace* trace = nullptr) const;

  /// Adds what block `index` finds to `hidden` in place: [num_tiles, g*g, W].
  void apply_block(int index, const at::Tensor& hidden) const;

  /// The final norm: [num_tiles, g*g, W].
  at::Tensor finish(const at::Tensor& hidden, VisionTrace* trace = nullptr) const;

  /// All of it, from pixels to features.
  at::Tensor forward(const at::Tensor& pixels, VisionTrace* trace = nullptr) const;

 private:
  struct Block {
    LayerNorm norm1;
    Linear qkv;
    Linear proj;
    LayerNorm norm2;
    Linear fc1;
    Linear fc2;
  };
  static Block make_block(const Weights& weights, int index);
  at::Tensor embed_patches(const at::Tensor& pixels) const;
  at::Tensor attend_tiles(const at::Tensor& qkv, int64_t num_tiles) const;

  VisionConfig config_;
  Linear patch_embed_;    // 3*P*P -> W
  at::Tensor pos_embed_;  // [1, g*g, W]
  std::vector<Block> blocks_;
  LayerNorm norm_;
};

}  // namespace spyhop
