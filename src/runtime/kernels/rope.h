// Rotary position embedding.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

enum class RopePairs {
  kHalfSplit,    // (i, i + d/2), as LlamaAttention
  kInterleaved,  // (2i, 2i + 1), as DeepseekV2Attention; the result stays interleaved
};

/// Angles of a step's positions: made once, used by every layer.
struct RopeTable {
  at::Tensor cos;  // [num_tokens, d/2], computed in f32, rounded to the compute type
  at::Tensor sin;
};

/// positions: [num_tokens] int64. The angle of pair i is position * theta^(-2i / dim), in f32.
RopeTable make_rope_table(const at::Tensor& positions, int dim, double theta, at::ScalarType compute_type);

/// Rotates x in place: [num_tokens, num_heads, dim], elements of a head adjacent, tokens and heads at any stride. Every product
/// and the sum are rounded to the compute type.
void apply_rope(at::Tensor x, const RopeTable& table, RopePairs pairs);

/// The same by ATen's operations, on any device.
void apply_rope_aten(at::Tensor x, const RopeTable& table, RopePairs pairs);

}  // namespace spyhop::kernels
