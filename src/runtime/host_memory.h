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

}  // namespace spyhop
