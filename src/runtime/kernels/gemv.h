// Products of few rows with a large matrix: bound by reading the weights once.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace spyhop::kernels {

/// With more rows x no longer fits the L1 cache beside the weight, and blocked products are faster.
constexpr int64_t kMaxGemvRows = 4;

/// One product y = x W^T + bias of at most kMaxGemvRows rows. All tensors contiguous and of one compute type.
struct GemvTask {
  at::Tensor x;       // [num_rows, in]
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out] or undefined
  at::Tensor y;       // [num_rows, out], written
};

/// Runs all tasks in one parallel region, their output columns dealt out evenly. The tasks share their type; CPU only.
void gemv(const std::vector<GemvTask>& tasks);

}  // namespace spyhop::kernels
