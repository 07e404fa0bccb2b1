// y = x W^T + bias.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

/// x: [num_rows, in], weight: [out, in] as checkpoints store it (used in place, never packed or copied), bias: [out] or
/// undefined; all in one compute type. Accumulates in f32 and rounds once. Returns [num_rows, out].
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// The same by ATen's operations in f32, on any device.
at::Tensor linear_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// The same for machines whose oneDNN has no bf16: panels of the weight are widened to f32 as they are used.
at::Tensor linear_upcast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

}  // namespace spyhop::kernels
