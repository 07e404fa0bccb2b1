// The products of a model, as the runtime puts them together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_config.h"

namespace spyhop {

struct MatrixShape {
  int64_t out = 0;  // of a gated one: of each half
  int64_t in = 0;
  bool is_gated = false;  // gate and up in one
};

/// Matrices that one call of kernels::linear takes.
struct LinearShape {
  std::string name;
  std::vector<MatrixShape> matrices;  // each is multiplied with all rows
  MatrixShape expert;                 // of which each row takes experts_per_row
  int num_experts = 0;                // 0: there are none
  int experts_per_row = 0;
};

/// One of each kind that a decoder has, and its head.
std::vector<LinearShape> linear_shapes(const LanguageConfig& config);

/// Of the image tower and the projector.
std::vector<LinearShape> linear_shapes(const VisionConfig& config);

}  // namespace spyhop
