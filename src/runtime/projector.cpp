#include "runtime/projector.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

#include "runtime/kernels/activation.h"

namespace spyhop {

Projector::Projector(const Weights& weights, const ProjectorConfig& config) : ratio_(config.downsample_ratio) {
  // The odd places of the original's Sequential are the activations.
  for (int i = 0; i < config.depth; ++i) layers_.emplace_back(weights, "projector.layers." + std::to_string(2 * i), true);
}

/// [num_tiles * t*t, W*r*r]: the channel runs slowest within a token, then the row, then the column, as torch's unfold has it.
at::Tensor Projector::fold(const at::Tensor& features) const {
  const int64_t num_tiles = features.size(0);
  const int64_t width = features.size(2);
  const int64_t grid = std::lround(std::sqrt(static_cast<double>(features.size(1))));
  const int64_t padding = (ratio_ - grid % ratio_) % ratio_;
  const int64_t side = (grid + padding) / ratio_;
  at::Tensor square = features.reshape({num_tiles, grid, grid, width});
  if (padding > 0) square = at::constant_pad_nd(square, {0, 0, 0, padding, 0, padding}, 0);
  return square.view({num_tiles, side, ratio_, side, ratio_, width})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({num_tiles * side * side, width * ratio_ * ratio_});
}

at::Tensor Projector::forward(const at::Tensor& features) const {
  at::Tensor x = layers_.front().forward(fold(features));
  for (size_t i = 1; i < layers_.size(); ++i) x = layers_[i].forward(kernels::gelu_erf(x));
  return x.view({features.size(0), -1, x.size(1)});
}

}  // namespace spyhop
