// Keys and values of all sequences, in blocks of fixed size.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace spyhop {

struct KvCacheShape {
  int num_layers = 0;
  int num_blocks = 0;
  int block_size = 16;          // tokens
  std::vector<int64_t> widths;  // numbers per token of each row kind: {keys, values}, or {latent and rope key}
};

/// One kind of row of one layer. The n-th position of a sequence is row n % block_size of block block_table[n / block_size].
class KvStore {
 public:
  KvStore(const KvCacheShape& shape, int64_t width, const at::TensorOptions& options);

  /// rows: [num_tokens, width], of positions first_position onwards; the table must cover them.
  void write(const std::vector<int32_t>& block_table, int64_t first_position, const at::Tensor& rows);

  /// The rows of positions 0 .. num_tokens - 1. Returns [num_tokens, width].
  at::Tensor gather(const std::vector<int32_t>& block_table, int64_t num_tokens) const;

  void copy_block(int32_t from, int32_t to);

  const at::Tensor& blocks() const { return blocks_; }  // [num_blocks, block_size, width]

 private:
  at::Tensor blocks_;
};

/// The row kinds of one layer, in the order of KvCacheShape::widths.
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
