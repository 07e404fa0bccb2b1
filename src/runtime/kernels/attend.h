// Scaled dot-product attention of many queries over contiguous keys.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

struct AttendInput {
  at::Tensor queries;  // [num_queries, num_heads, key_dim]
  at::Tensor keys;     // [num_keys, num_kv_heads, key_dim]; num_kv_heads divides num_heads
  at::Tensor values;   // [num_keys, num_kv_heads, value_dim]
  double scale = 1.0;
  bool causal = false;  // query i sees the keys 0 .. num_keys - num_queries + i
};

/// Scores are rounded to the compute type, the softmax is in f32 and rounded, as eager PyTorch does. Works in blocks of
/// queries, so that the scores held at a time stay within some MB. Returns [num_queries, num_heads * value_dim].
at::Tensor attend(const AttendInput& input);

/// The same in one piece by ATen's operations, on any device.
at::Tensor attend_aten(const AttendInput& input);

}  // namespace spyhop::kernels
