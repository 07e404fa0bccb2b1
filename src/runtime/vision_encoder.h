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

  /// pixels: [num_tiles, 3, S, S] in the compute type. Pixel rows and columns beyond the last whole patch are never read.
  /// Returns [num_tiles, g*g, W], after the final norm.
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
  at::Tensor patch_weight_;  // [W, 3*P*P]
  at::Tensor patch_bias_;    // [W]
  at::Tensor pos_embed_;     // [1, g*g, W]
  std::vector<Block> blocks_;
  LayerNorm norm_;
};

}  // namespace spyhop
