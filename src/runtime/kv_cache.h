// Keys and values of all sequences, in blocks of fixed size.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "runtime/kernels/paged_rows.h"

namespace spyhop {

struct KvCacheShape {
  int num_layers = 0;
  int num_blocks = 0;
  int block_size = 16;                 // tokens; a multiple of kernels::kGroupTokens
  std::vector<kernels::RowKind> rows;  // of each layer: keys and values, or latent with rope key
};

/// One kind of row of one layer. The n-th position of a sequence is in block block_table[n / block_size]. On the CPU rows lie
/// as the attention kernel reads them, elsewhere as plain rows.
class KvStore {
 public:
  KvStore(const KvCacheShape& shape, const kernels::RowKind& kind, const at::TensorOptions& options);

  /// rows: [num_tokens, width], elements adjacent, of positions first_position onwards; the table must cover them.
  void write(const std::vector<int32_t>& block_table, int64_t first_position, const at::Tensor& rows);

  /// The rows of positions 0 .. num_tokens - 1. Returns [num_tokens, width].
  at::Tensor gather(const std::vector<int32_t>& block_table, int64_t num_tokens) const;

  void copy_block(int32_t from, int32_t to);

  /// For the attention kernel; on the CPU only.
  kernels::PagedRows paged() const;

 private:
  void check_table(const std::vector<int32_t>& block_table, int64_t end) const;

  kernels::RowKind kind_;
  int64_t num_blocks_;
  int64_t block_size_;
  at::Tensor memory_;  // CPU: a row of numbers; elsewhere [num_blocks, block_size, width]
};

/// The row kinds of one layer, in the order of KvCacheShape::rows.
using KvLayer = std::vector<KvStore>;

/// Memory is reserved at once and touched only as it is written.
class KvCache {
 public:
  KvCache(const KvCacheShape& shape, const at::TensorOptions& options);

  /// In every layer.
  void copy_block(int32_t from, int32_t to);

  KvLayer& layer(int index) { return layers_[static_cast<size_t>(index)]; }

 private:
  std::vector<KvLayer> layers_;
};

}  // namespace spyhop
