// Memory for the values of a step, which come and go with every operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace spyhop {

/// Buffers of some sizes that are used again. The C library gives each large one back to the system, which has its pages
/// cleared anew every time: a tenth of the time of a prompt. Told to keep them, it mixes them with all else that the process
/// allocates and grows by the hour. Buffers that a while of work had no use for are let go. Thread safety: all members.
class BufferPool {
 public:
  static constexpr size_t kSmallest = size_t{1} << 20;  // smaller ones come from the C library, and go there
  static constexpr size_t kLargest = size_t{64} << 20;  // larger ones are not kept
  static constexpr size_t kAlignment = 64;

  /// max_kept: bytes that may lie unused.
  explicit BufferPool(size_t max_kept);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// At least `bytes`, aligned to kAlignment. Not cleared. Throws std::bad_alloc.
  void* take(size_t bytes);
  void give_back(void* buffer);

  size_t kept_bytes() const;

 private:
  struct Shelf {
    std::vector<void*> unused;
    size_t least_unused = 0;  // there were in this while
  };
  void* take_unused(size_t capacity);
  void let_go_of_idle_buffers();

  mutable std::mutex mutex_;
  std::map<size_t, Shelf> shelves_;  // by capacity
  int64_t num_taken_ = 0;            // in this while
  size_t kept_ = 0;
  size_t max_kept_;
};

/// Has ATen take the memory of its CPU tensors from a pool, for the whole process. Does nothing from the second call on, nor in
/// sanitizer builds, which are to see every buffer's end.
void pool_tensor_memory();

}  // namespace spyhop
