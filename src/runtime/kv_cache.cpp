#include "runtime/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/kernels/check.h"

namespace spyhop {

KvStore::KvStore(const KvCacheShape& shape, int64_t width, const at::TensorOptions& options)
    : blocks_(at::empty({shape.num_blocks, shape.block_size, width}, options)) {}

void KvStore::write(const std::vector<int32_t>& block_table, int64_t first_position, const at::Tensor& rows) {
  const int64_t block_size = blocks_.size(1);
  const int64_t num_tokens = rows.size(0);
  require(first_position + num_tokens <= block_size * static_cast<int64_t>(block_table.size()), "a write past the block table");
  for (int64_t done = 0; done < num_tokens;) {
    const int64_t position = first_position + done;
    const int64_t row = position % block_size;
    const int64_t count = std::min(block_size - row, num_tokens - done);
    const int32_t block = block_table[static_cast<size_t>(position / block_size)];
    blocks_.select(0, block).narrow(0, row, count).copy_(rows.narrow(0, done, count));
    done += count;
  }
}

at::Tensor KvStore::gather(const std::vector<int32_t>& block_table, int64_t num_tokens) const {
  const int64_t block_size = blocks_.size(1);
  const int64_t num_blocks = (num_tokens + block_size - 1) / block_size;
  require(num_blocks <= static_cast<int64_t>(block_table.size()), "a read past the block table");
  const at::Tensor table = at::tensor(at::ArrayRef<int32_t>(block_table).slice(0, static_cast<size_t>(num_blocks)), at::kInt);
  return blocks_.index_select(0, table.to(blocks_.device()))
      .view({num_blocks * block_size, blocks_.size(2)})
      .narrow(0, 0, num_tokens);
}

void KvStore::copy_block(int32_t from, int32_t to) {
  blocks_.select(0, to).copy_(blocks_.select(0, from));
}

void KvCache::copy_block(int32_t from, int32_t to) {
  for (KvLayer& layer : layers_) {
    for (KvStore& store : layer) store.copy_block(from, to);
  }
}

KvCache::KvCache(const KvCacheShape& shape, const at::TensorOptions& options) {
  for (int i = 0; i < shape.num_layers; ++i) {
    KvLayer layer;
    for (const int64_t width : shape.widths) layer.emplace_back(shape, width, options);
    layers_.push_back(std::move(layer));
  }
}

}  // namespace spyhop
