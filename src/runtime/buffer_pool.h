// Memory for the values of a step, which come and go with every operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace spyhop {

/// Buffers that are used again. The C library gives each large one back to the system, which has its pages cleared anew every
/// time: a tenth of the time of a prompt. Told to keep them, it mixes them with all else that the process allocates and grows
/// by the hour; and aligned small ones are slow there. Large buffers that a while of work had no use for are let go; small ones
/// are parts of slabs, which stay. Thread safety: all members.
class BufferPool {
 public:
  static constexpr size_t kLargeFrom = size_t{64} << 10;  // below are the small ones
  static constexpr size_t kLargest = size_t{64} << 20;    // larger ones are not kept
  static constexpr size_t kSlabBytes = size_t{1} << 20;
  static constexpr size_t kAlignment = 64;

  /// max_kept: bytes of large buffers that may lie unused.
  explicit BufferPool(size_t max_kept);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// At least `bytes`, aligned to kAlignment. Not cleared. Throws std::bad_alloc.
  void* take(size_t bytes);
  void give_back(void* buffer);

  /// Of large buffers that lie unused.
  size_t kept_bytes() const;

 private:
  struct Shelf {
    std::vector<void*> unused;
    size_t least_unused = 0;  // there were in this while
  };
  void* take_small(size_t capacity);
  void* cut_from_slab(size_t capacity);
  void* take_unused(size_t capacity);
  void let_go_of_idle_buffers();

  mutable std::mutex mutex_;
  std::map<size_t, Shelf> shelves_;  // of large buffers, by capacity
  int64_t num_taken_ = 0;            // of them in this while
  size_t kept_ = 0;
  size_t max_kept_;
  std::map<size_t, std::vector<void*>> small_;  // unused ones by capacity
  std::vector<void*> slabs_;
  size_t slab_used_ = kSlabBytes;  // of the last one
};

/// Has ATen take the memory of its CPU tensors from a pool, for the whole process. Does nothing from the second call on, nor in
/// sanitizer builds, which are to see every buffer's end.
void pool_tensor_memory();

}  // namespace spyhop
