#include "runtime/vision_encoder.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

#include "runtime/kernels/attend.h"
#include "runtime/kernels/rows.h"

namespace spyhop {
namespace {

constexpr double kNormEps = 1e-6;

}  // namespace

VisionEncoder::Block VisionEncoder::make_block(const Weights& weights, int index) {
  const std::string prefix = "vision.blocks." + std::to_string(index);
  return {LayerNorm(weights, prefix + ".norm1", kNormEps), Linear(weights, prefix + ".attn.qkv", true),
          Linear(weights, prefix + ".attn.proj", true),    LayerNorm(weights, prefix + ".norm2", kNormEps),
          Linear(weights, prefix + ".mlp.fc1", true),      Linear(weights, prefix + ".mlp.fc2", true)};
}

VisionEncoder::VisionEncoder(const Weights& weights, const VisionConfig& config)
    : config_(config),
      patch_embed_(weights.at("vision.patch_embed.proj.weight").flatten(1), weights.at("vision.patch_embed.proj.bias")),
      pos_embed_(weights.at("vision.pos_embed")),
      norm_(weights, "vision.norm", kNormEps) {
  for (int i = 0; i < config.num_layers; ++i) blocks_.push_back(make_block(weights, i));
}

/// The patch convolution as one product: [num_tiles * g*g, W].
at::Tensor VisionEncoder::embed_patches(const at::Tensor& pixels) const {
  const int64_t grid = config_.grid();
  const int64_t patch = config_.patch_size;
  const at::Tensor read = pixels.narrow(2, 0, grid * patch).narrow(3, 0, grid * patch);
  const at::Tensor patches = read.reshape({pixels.size(0), 3, grid, patch, grid, patch}).permute({0, 2, 4, 1, 3, 5});
  return patch_embed_.forward(patches.reshape({pixels.size(0) * grid * grid, 3 * patch * patch}));
}

/// qkv: [num_tiles * g*g, 3W]. Full attention within each tile.
at::Tensor VisionEncoder::attend_tiles(const at::Tensor& qkv, int64_t num_tiles) const {
  const at::Tensor parts = qkv.view({num_tiles, config_.num_patches(), 3, config_.num_heads, config_.head_dim()});
  const double scale = 1.0 / std::sqrt(static_cast<double>(config_.head_dim()));
  std::vector<at::Tensor> tiles;
  for (int64_t i = 0; i < num_tiles; ++i) {
    const at::Tensor tile = parts.select(0, i);
    tiles.push_back(kernels::attend_full({tile.select(1, 0), tile.select(1, 1), tile.select(1, 2), scale}));
  }
  return tiles.size() == 1 ? tiles.front() : at::cat(tiles);
}

at::Tensor VisionEncoder::embed(const at::Tensor& pixels, VisionTrace* trace) const {
  const at::Tensor patches = embed_patches(pixels).view({pixels.size(0), config_.num_patches(), config_.width});
  if (trace != nullptr) trace->patch_embed = patches.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  return patches + pos_embed_;
}

void VisionEncoder::apply_block(int index, const at::Tensor& hidden) const {
  const Block& block = blocks_[static_cast<size_t>(index)];
  const at::Tensor rows = hidden.view({-1, config_.width});
  kernels::add_in_place(rows, block.proj.forward(attend_tiles(block.qkv.forward(block.norm1.forward(rows)), hidden.size(0))));
  kernels::add_in_place(rows, block.fc2.forward(block.fc1.forward_gelu(block.norm2.forward(rows))));
}

at::Tensor VisionEncoder::finish(const at::Tensor& hidden, VisionTrace* trace) const {
  const at::Tensor out = norm_.forward(hidden.view({-1, config_.width})).view(hidden.sizes());
  if (trace != nullptr) trace->vision_out = out.to(at::kFloat);
  return out;
}

at::Tensor VisionEncoder::forward(const at::Tensor& pixels, VisionTrace* trace) const {
  const at::Tensor hidden = embed(pixels, trace);
  for (int i = 0; i < num_blocks(); ++i) apply_block(i, hidden);
  return finish(hidden, trace);
}

}  // namespace spyhop
