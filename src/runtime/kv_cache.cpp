#include "runtime/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "runtime/host_memory.h"
#include "runtime/kernels/check.h"

namespace spyhop {

KvStore::KvStore(const KvCacheShape& shape, const kernels::RowKind& kind, const at::TensorOptions& options)
    : kind_(kind), num_blocks_(shape.num_blocks), block_size_(shape.block_size) {
  const at::ScalarType type = c10::typeMetaToScalarType(options.dtype());
  require(block_size_ > 0 && block_size_ % kernels::kGroupTokens == 0, "a KV block holds whole groups of 16 tokens");
  require(type == at::kFloat || kind.dim % 2 == 0, "a cached row has an even number of bf16");
  if (options.device().is_cpu()) {
    const auto slack = kernels::kPagedRowsSlack / static_cast<int64_t>(at::elementSize(type));
    memory_ = allocate_tensor({num_blocks_ * block_size_ * kind.width() + slack}, type);
  } else {
    memory_ = at::empty({num_blocks_, block_size_, kind.width()}, options);
  }
}

kernels::PagedRows KvStore::paged() const {
  require(on_cpu(memory_), "paged rows are on the CPU");
  return {kind_, memory_.scalar_type(), static_cast<char*>(memory_.data_ptr()), block_size_};
}

void KvStore::check_table(const std::vector<int32_t>& block_table, int64_t end) const {
  require(end <= block_size_ * static_cast<int64_t>(block_table.size()), "positions past the block table");
}

void KvStore::write(const std::vector<int32_t>& block_table, int64_t first_position, const at::Tensor& rows) {
  const int64_t num_tokens = rows.size(0);
  check_table(block_table, first_position + num_tokens);
  require(rows.size(1) == kind_.width() && rows.scalar_type() == memory_.scalar_type(), "rows that are not the cache's");
  if (on_cpu(memory_)) {
    require(rows.stride(1) == 1, "rows of adjacent elements");
    const int64_t row_bytes = rows.stride(0) * static_cast<int64_t>(rows.element_size());
    write_rows(paged(), block_table, first_position, {static_cast<char*>(rows.data_ptr()), row_bytes, num_tokens});
    return;
  }
  for (int64_t done = 0; done < num_tokens;) {
    const int64_t position = first_position + done;
    const int64_t row = position % block_size_;
    const int64_t count = std::min(block_size_ - row, num_tokens - done);
    const int32_t block = block_table[static_cast<size_t>(position / block_size_)];
    memory_.select(0, block).narrow(0, row, count).copy_(rows.narrow(0, done, count));
    done += count;
  }
}

at::Tensor KvStore::gather(const std::vector<int32_t>& block_table, int64_t num_tokens) const {
  check_table(block_table, num_tokens);
  if (on_cpu(memory_)) {
    at::Tensor rows = at::empty({num_tokens, kind_.width()}, memory_.options());
    const int64_t row_bytes = kind_.width() * static_cast<int64_t>(rows.element_size());
    read_rows(paged(), block_table, 0, {static_cast<char*>(rows.data_ptr()), row_bytes, num_tokens});
    return rows;
  }
  const int64_t num_blocks = (num_tokens + block_size_ - 1) / block_size_;
  const at::Tensor table = at::tensor(at::ArrayRef<int32_t>(block_table).slice(0, static_cast<size_t>(num_blocks)), at::kInt);
  return memory_.index_select(0, table.to(memory_.device()))
      .view({num_blocks * block_size_, kind_.width()})
      .narrow(0, 0, num_tokens);
}

void KvStore::copy_block(int32_t from, int32_t to) {
  if (on_cpu(memory_)) {
    const kernels::PagedRows rows = paged();
    std::memcpy(rows.data + to * rows.block_bytes(), rows.data + from * rows.block_bytes(),
                static_cast<size_t>(rows.block_bytes()));
  } else {
    memory_.select(0, to).copy_(memory_.select(0, from));
  }
}

void KvCache::copy_block(int32_t from, int32_t to) {
  for (KvLayer& layer : layers_) {
    for (KvStore& store : layer) store.copy_block(from, to);
  }
}

KvCache::KvCache(const KvCacheShape& shape, const at::TensorOptions& options) {
  for (int i = 0; i < shape.num_layers; ++i) {
    KvLayer layer;
    for (const kernels::RowKind& kind : shape.rows) layer.emplace_back(shape, kind, options);
    layers_.push_back(std::move(layer));
  }
}

}  // namespace spyhop
