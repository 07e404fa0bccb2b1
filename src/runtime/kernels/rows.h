// Moving and adding rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace spyhop::kernels {

/// x += y, elementwise; contiguous, of one shape and compute type. The sum is rounded once.
void add_in_place(const at::Tensor& x, const at::Tensor& y);

/// Rows `indices` of x [num_rows, width], contiguous. Returns [indices.size(), width].
at::Tensor gather_rows(const at::Tensor& x, const std::vector<int64_t>& indices);

}  // namespace spyhop::kernels
