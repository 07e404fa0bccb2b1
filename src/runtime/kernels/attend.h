// Attention: softmax(q k^T * scale) v.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "runtime/kernels/paged_rows.h"

namespace spyhop::kernels {

/// The queries of one sequence; the query of row i stands at position first_position + i.
struct AttendSpan {
  int64_t first_row = 0;  // of AttendInput::queries and of the result
  int64_t num_queries = 0;
  int64_t first_position = 0;
  const std::vector<int32_t>* block_table = nullptr;
};

struct AttendInput {
  at::Tensor queries;  // [num_rows, num_heads, key_dim], a row's elements adjacent; num_heads a multiple of the keys' heads
  PagedRows keys;      // dim = key_dim
  PagedRows values;    // of at least value_dim numbers a head, the first of which are taken; may be the keys
  int64_t value_dim = 0;
  double scale = 1.0;
  std::vector<AttendSpan> spans;
  int64_t num_keys = 0;  // all queries see this many; 0: each sees the positions up to its own
};

/// All sequences in one parallel loop. The products are rounded to the compute type before the scale and after it, and so are
/// the probabilities. Keys are taken in order of position, so a row of the result depends on its query and the keys it sees,
/// bit for bit, not on the other queries. Returns [num_rows, num_heads * value_dim].
at::Tensor attend(const AttendInput& input);

/// Full attention within one tile of an image: every query sees every key. [length, num_heads, dim], a row's elements adjacent.
/// Returns [length, num_heads * dim].
struct FullAttendInput {
  at::Tensor queries;
  at::Tensor keys;
  at::Tensor values;
  double scale = 1.0;
};
at::Tensor attend_full(const FullAttendInput& input);

/// By ATen's operations on plain rows, on any device: queries [num_queries, num_heads, key_dim], keys [num_keys, kv_heads,
/// key_dim], values [num_keys, kv_heads, value_dim]; when causal the queries are the last positions.
struct AttendAtenInput {
  at::Tensor queries;
  at::Tensor keys;
  at::Tensor values;
  double scale = 1.0;
  bool causal = false;
};
at::Tensor attend_aten(const AttendAtenInput& input);

}  // namespace spyhop::kernels
