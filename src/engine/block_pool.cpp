#include "engine/block_pool.h"

#include <algorithm>
#include <string>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {

BlockTable::BlockTable(BlockTable&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), ids_(std::exchange(other.ids_, {})) {}

BlockTable& BlockTable::operator=(BlockTable&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    ids_ = std::exchange(other.ids_, {});
  }
  return *this;
}

// From the end: a prefix is of use without what follows it, but not the other way round, so its first blocks are reused last.
void BlockTable::release() {
  for (; !ids_.empty(); ids_.pop_back()) pool_->drop_reference(ids_.back());
  pool_ = nullptr;
}

BlockPool::BlockPool(int num_blocks, int block_size) : block_size_(block_size), blocks_(static_cast<size_t>(num_blocks)) {
  for (int32_t id = 0; id < num_blocks; ++id) blocks_[static_cast<size_t>(id)].free_place = free_.insert(free_.end(), id);
}

void BlockPool::add_reference(int32_t id) {
  Block& block = blocks_[static_cast<size_t>(id)];
  if (block.num_references++ == 0) free_.erase(block.free_place);
}

void BlockPool::drop_reference(int32_t id) {
  Block& block = blocks_[static_cast<size_t>(id)];
  if (--block.num_references > 0) return;
  // A block that nothing can find again is reused before any that may still be of use.
  block.free_place = free_.insert(block.hash ? free_.end() : free_.begin(), id);
}

int32_t BlockPool::take_free() {
  const int32_t id = free_.front();
  Block& block = blocks_[static_cast<size_t>(id)];
  if (block.hash) known_.erase(*block.hash);
  block.hash.reset();
  add_reference(id);
  return id;
}

int BlockPool::num_needed(const BlockTable& table, int first_position, int num_tokens) const {
  const int size = static_cast<int>(table.ids_.size());
  int needed = std::max(0, blocks_for(first_position + num_tokens) - size);
  for (int i = first_position / block_size_; i < std::min(size, blocks_for(first_position + num_tokens)); ++i) {
    if (blocks_[static_cast<size_t>(table.ids_[static_cast<size_t>(i)])].num_references > 1) ++needed;
  }
  return needed;
}

std::vector<BlockCopy> BlockPool::grow(BlockTable& table, int first_position, int num_tokens) {
  const int needed = num_needed(table, first_position, num_tokens);
  if (needed > num_free()) {
    throw Error(ErrorCode::kInternal,
                "KV blocks: " + std::to_string(needed) + " asked for, " + std::to_string(num_free()) + " free");
  }
  table.pool_ = this;
  std::vector<BlockCopy> copies;
  const size_t end = static_cast<size_t>(blocks_for(first_position + num_tokens));
  for (size_t i = static_cast<size_t>(first_position / block_size_); i < std::min(table.ids_.size(), end); ++i) {
    const int32_t shared = table.ids_[i];
    if (blocks_[static_cast<size_t>(shared)].num_references == 1) continue;
    table.ids_[i] = take_free();
    drop_reference(shared);
    copies.push_back({shared, table.ids_[i]});
  }
  while (table.ids_.size() < end) table.ids_.push_back(take_free());
  return copies;
}

BlockTable BlockPool::share(const BlockTable& table) {
  BlockTable second;
  second.pool_ = this;
  second.ids_ = table.ids_;
  for (const int32_t id : second.ids_) add_reference(id);
  return second;
}

BlockTable BlockPool::find_prefix(const std::vector<BlockHash>& hashes) {
  BlockTable table;
  table.pool_ = this;
  for (const BlockHash& hash : hashes) {
    const auto found = known_.find(hash);
    if (found == known_.end()) break;
    add_reference(found->second);
    table.ids_.push_back(found->second);
  }
  return table;
}

void BlockPool::remember(const BlockTable& table, int index, const BlockHash& hash) {
  const int32_t id = table.ids_.at(static_cast<size_t>(index));
  Block& block = blocks_[static_cast<size_t>(id)];
  if (!block.hash && known_.emplace(hash, id).second) block.hash = hash;
}

}  // namespace spyhop
