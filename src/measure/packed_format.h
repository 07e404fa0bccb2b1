// The formats that a bench can pack weights in.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "measure/machine_limits.h"
#include "runtime/kernels/packed_matrix.h"

namespace spyhop {

struct BenchFormat {
  std::string name;  // "bf16", "f32", "int8", "int4"
  kernels::PackedFormat format = kernels::PackedFormat::kBf16;
  at::ScalarType activations = at::kBFloat16;
  Arithmetic arithmetic = Arithmetic::kBf16;  // the fastest that the format allows
};

const std::vector<BenchFormat>& bench_formats();

/// All memory that a product reads of a weight.
std::vector<MemoryRegion> regions_of(const kernels::PackedMatrix& weight);

/// Throws Error{kInvalidRequest} naming those there are.
const BenchFormat& bench_format(const std::string& name);

}  // namespace spyhop
