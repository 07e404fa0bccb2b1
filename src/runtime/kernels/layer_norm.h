// Layer normalisation.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

/// x: [num_rows, width], weight and bias: [width], all in the compute type; computed in f32, rounded once. Returns [num_rows,
/// width].
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);

}  // namespace spyhop::kernels
