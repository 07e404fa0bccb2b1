// Memory of the machine for large tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <vector>

namespace spyhop {

/// A tensor of zeros on the CPU. Large ones get pages of their own, huge ones where the kernel has them, which are given back
/// as soon as the last reference goes. Throws Error{kModelLoad} when there is no memory.
at::Tensor allocate_tensor(const std::vector<int64_t>& shape, at::ScalarType type);

/// Bytes of all tensors that allocate_tensor has made and that are still alive, without the rounding to pages.
int64_t allocated_tensor_bytes();

/// The most there have been at once since the process began, or since the last call of reset_allocated_tensor_peak.
int64_t allocated_tensor_peak();
void reset_allocated_tensor_peak();

}  // namespace spyhop
