// The formats that a bench can pack weights in.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "measure/limit_loops.h"
#include "runtime/kernels/packed_matrix.h"

namespace spyhop {

/// "bf16", "f32".
struct BenchFormat {
  std::string name;
  at::ScalarType activations = at::kBFloat16;
  Arithmetic arithmetic = Arithmetic::kBf16;  // the fastest that the format allows

  /// weight: [out, in], in the type of the activations.
  kernels::PackedMatrix pack(const at::Tensor& weight) const;
  /// gate and up: [width, in].
  kernels::PackedMatrix pack_gated(const at::Tensor& gate, const at::Tensor& up) const;
};

const std::vector<BenchFormat>& bench_formats();

/// Throws Error{kInvalidRequest} naming those there are.
const BenchFormat& bench_format(const std::string& name);

}  // namespace spyhop
