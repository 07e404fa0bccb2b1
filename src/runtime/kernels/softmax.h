// Softmax of attention scores, in place.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

struct SoftmaxOptions {
  double scale = 1.0;          // of the scores, applied first and rounded to the compute type
  int64_t rows_per_query = 1;  // adjacent rows that belong to one query position
  int64_t first_visible = 0;   // keys that row 0 sees; a row of the n-th query position sees n more when causal
  bool causal = false;
};

/// scores: [batch, num_rows, num_keys], contiguous, in the compute type; on return the probabilities, computed in f32 and
/// rounded. Keys a row does not see get 0, whatever stands there.
void masked_softmax(at::Tensor scores, const SoftmaxOptions& options);

/// The same by ATen's operations, on any device.
void masked_softmax_aten(at::Tensor scores, const SoftmaxOptions& options);

}  // namespace spyhop::kernels
