// Fixed-size KV blocks, lent out by number.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace spyhop {

class BlockPool;

/// The blocks of one sequence; gives them back when it dies.
class BlockTable {
 public:
  BlockTable() = default;
  BlockTable(BlockTable&& other) noexcept;
  BlockTable& operator=(BlockTable&& other) noexcept;
  BlockTable(const BlockTable&) = delete;
  BlockTable& operator=(const BlockTable&) = delete;
  ~BlockTable() { release(); }

  const std::vector<int32_t>& ids() const { return ids_; }
  void release();

 private:
  friend class BlockPool;
  BlockTable(BlockPool* pool, std::vector<int32_t> ids) : pool_(pool), ids_(std::move(ids)) {}

  BlockPool* pool_ = nullptr;
  std::vector<int32_t> ids_;
};

/// Thread safety: one thread. Outlives its tables.
class BlockPool {
 public:
  /// `block_size`: tokens per block.
  BlockPool(int num_blocks, int block_size);

  int num_free() const { return static_cast<int>(free_.size()); }
  int num_blocks() const { return num_blocks_; }
  int blocks_for(int num_tokens) const { return (num_tokens + block_size_ - 1) / block_size_; }

  /// Blocks for `num_tokens` tokens. The caller has checked that they are free; throws Error{kInternal} otherwise.
  BlockTable allocate(int num_tokens);

 private:
  friend class BlockTable;
  int num_blocks_;
  int block_size_;
  std::vector<int32_t> free_;  // last in, first out: warm blocks are used again
};

}  // namespace spyhop
