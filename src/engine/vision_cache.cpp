#include "engine/vision_cache.h"

#include <utility>

namespace spyhop {
namespace {

int64_t bytes_of(const at::Tensor& rows) {
  return static_cast<int64_t>(rows.nbytes());
}

}  // namespace

at::Tensor VisionCache::find(const std::string& hash) {
  const auto found = known_.find(hash);
  if (found == known_.end()) return {};
  entries_.splice(entries_.end(), entries_, found->second);
  return found->second->rows;
}

void VisionCache::insert(const std::string& hash, const at::Tensor& rows) {
  if (known_.count(hash) != 0 || bytes_of(rows) > max_bytes_) return;
  num_bytes_ += bytes_of(rows);
  while (num_bytes_ > max_bytes_) {
    num_bytes_ -= bytes_of(entries_.front().rows);
    known_.erase(entries_.front().hash);
    entries_.pop_front();
  }
  known_[hash] = entries_.insert(entries_.end(), {hash, rows});
}

}  // namespace spyhop
