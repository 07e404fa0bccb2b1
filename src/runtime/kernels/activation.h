// The activation functions of the tower, the projector and the language model.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

/// silu(gate) * up, elementwise over contiguous tensors of one shape and compute type; silu is rounded before the product.
at::Tensor silu_mul(const at::Tensor& gate, const at::Tensor& up);
at::Tensor silu_mul_aten(const at::Tensor& gate, const at::Tensor& up);

/// GELU in its tanh approximation (the tower's), computed in f32.
at::Tensor gelu_tanh(const at::Tensor& x);
at::Tensor gelu_tanh_aten(const at::Tensor& x);

/// GELU by the error function (the projector's), computed in f32.
at::Tensor gelu_erf(const at::Tensor& x);

}  // namespace spyhop::kernels
