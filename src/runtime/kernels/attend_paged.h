// Attention of one new token over keys and values where the cache keeps them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace spyhop::kernels {

struct PagedInput {
  at::Tensor query;   // [num_heads, head_dim]
  at::Tensor keys;    // [num_blocks, block_size, num_kv_heads * head_dim], the cache's tensor
  at::Tensor values;  // the same shape
  const std::vector<int32_t>* block_table = nullptr;
  int64_t num_keys = 0;  // visible positions
  int64_t num_kv_heads = 1;
  double scale = 1.0;
};

/// Reads every key and value once, without gathering them; CPU only. Roundings as in attend. Returns [1, num_heads * head_dim].
at::Tensor attend_paged(const PagedInput& input);

}  // namespace spyhop::kernels
