// From tower features to rows of the language model.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "registry/model_config.h"
#include "runtime/layers.h"
#include "runtime/weights.h"

namespace spyhop {

/// Folds r x r patches into one token, then an MLP with erf GELU.
/// Source: MlpProjector, downsample_mlp_gelu.
class Projector {
 public:
  Projector(const Weights& weights, const ProjectorConfig& config);

  /// features: [num_tiles, g*g, W]. Returns [num_tiles, t*t, hidden] with t = ceil(g / r).
  at::Tensor forward(const at::Tensor& features) const;

 private:
  at::Tensor fold(const at::Tensor& features) const;

  int64_t ratio_;
  std::vector<Linear> layers_;
};

}  // namespace spyhop
