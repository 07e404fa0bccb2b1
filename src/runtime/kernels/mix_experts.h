// The weighted sum of the experts' results.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

/// y[t] = sum over j of weights[t, j] * rows[slots[t, j]], accumulated in f32 in the order of j and rounded once.
/// rows: [num_rows, hidden] in the compute type; slots: [num_tokens, k] int64; weights: [num_tokens, k] f32. Returns
/// [num_tokens, hidden].
at::Tensor mix_experts(const at::Tensor& rows, const at::Tensor& slots, const at::Tensor& weights);

/// The same by ATen's operations, on any device.
at::Tensor mix_experts_aten(const at::Tensor& rows, const at::Tensor& slots, const at::Tensor& weights);

}  // namespace spyhop::kernels
