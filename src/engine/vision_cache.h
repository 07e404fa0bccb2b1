// Encoded images, kept as long as memory allows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace spyhop {

/// Feature rows by the hash of an image's content; the least recently used go first when the budget is spent.
/// A tensor that a request still holds lives on after it has left the cache. Thread safety: engine thread only.
class VisionCache {
 public:
  /// `max_bytes`: 0 keeps nothing.
  explicit VisionCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// Undefined when the image is not known.
  at::Tensor find(const std::string& hash);

  void insert(const std::string& hash, const at::Tensor& rows);

  int64_t num_bytes() const { return num_bytes_; }

 private:
  struct Entry {
    std::string hash;
    at::Tensor rows;
  };

  int64_t max_bytes_;
  int64_t num_bytes_ = 0;
  std::list<Entry> entries_;  // least recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> known_;
};

}  // namespace spyhop
