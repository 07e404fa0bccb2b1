// Root mean square normalisation.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

/// x: [num_rows, width], weight: [width], both in the compute type. The row is normalised in f32, rounded to the compute type,
/// and only then multiplied by the weight. Returns [num_rows, width]. Source: DeepseekV2RMSNorm.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// The same by ATen's operations, on any device.
at::Tensor rms_norm_aten(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace spyhop::kernels
