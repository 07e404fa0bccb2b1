// Fixed-size KV blocks with reference counts, and the prefixes whose keys and values they still hold.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace spyhop {

/// Name of a block's content: of its tokens and images and of all that comes before them. See prefix_hash.h.
using BlockHash = std::string;

/// A block to be copied before the next step writes to `to`.
struct BlockCopy {
  int32_t from = 0;
  int32_t to = 0;
};

class BlockPool;

/// The blocks of one sequence, in order. Gives its references back when it dies.
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
  BlockPool* pool_ = nullptr;
  std::vector<int32_t> ids_;
};

/// A block is used (referenced by one table or more) or free. A free block keeps its content, and the hash under which it can
/// be found again, until it is needed for something else: the one free for longest goes first. Thread safety: one thread.
/// Outlives its tables.
class BlockPool {
 public:
  /// `block_size`: tokens per block.
  BlockPool(int num_blocks, int block_size);

  int num_blocks() const { return static_cast<int>(blocks_.size()); }
  int num_free() const { return static_cast<int>(free_.size()); }
  int block_size() const { return block_size_; }
  int blocks_for(int num_tokens) const { return (num_tokens + block_size_ - 1) / block_size_; }

  /// How many blocks grow() would take.
  int num_needed(const BlockTable& table, int first_position, int num_tokens) const;

  /// Makes `table` ready for tokens first_position .. first_position + num_tokens - 1 to be written: adds blocks at its end,
  /// and replaces shared blocks that would be written to; these are returned to be copied. The caller has checked num_needed
  /// against num_free; throws Error{kInternal} otherwise.
  std::vector<BlockCopy> grow(BlockTable& table, int first_position, int num_tokens);

  /// A second table for the same blocks.
  BlockTable share(const BlockTable& table);

  /// A table of the blocks that hold the longest known prefix of `hashes`.
  BlockTable find_prefix(const std::vector<BlockHash>& hashes);

  /// Block `index` of `table` is full and holds what `hash` names. Nothing happens when another block is known for it already.
  void remember(const BlockTable& table, int index, const BlockHash& hash);

 private:
  friend class BlockTable;
  struct Block {
    int num_references = 0;
    std::optional<BlockHash> hash;
    std::list<int32_t>::iterator free_place;  // valid while num_references == 0
  };

  int32_t take_free();
  void add_reference(int32_t id);
  void drop_reference(int32_t id);

  int block_size_;
  std::vector<Block> blocks_;
  std::list<int32_t> free_;  // in the order of being reused
  std::unordered_map<BlockHash, int32_t> known_;
};

}  // namespace spyhop
