#include "engine/block_pool.h"

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

void BlockTable::release() {
  if (pool_ != nullptr) pool_->free_.insert(pool_->free_.end(), ids_.rbegin(), ids_.rend());
  pool_ = nullptr;
  ids_.clear();
}

BlockPool::BlockPool(int num_blocks, int block_size) : num_blocks_(num_blocks), block_size_(block_size) {
  free_.reserve(static_cast<size_t>(num_blocks));
  for (int id = num_blocks - 1; id >= 0; --id) free_.push_back(id);
}

BlockTable BlockPool::allocate(int num_tokens) {
  const int count = blocks_for(num_tokens);
  if (count > num_free()) {
    throw Error(ErrorCode::kInternal,
                "KV blocks: " + std::to_string(count) + " asked for, " + std::to_string(num_free()) + " free");
  }
  std::vector<int32_t> ids(free_.rbegin(), free_.rbegin() + count);
  free_.resize(free_.size() - static_cast<size_t>(count));
  return BlockTable(this, std::move(ids));
}

}  // namespace spyhop
