#include "runtime/buffer_pool.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace spyhop {
namespace {

constexpr size_t kMaxKept = size_t{256} << 20;
constexpr int64_t kWhile = int64_t{1} << 12;  // large buffers taken: tens of steps
constexpr size_t kLeastStep = 64;

/// Lies before a buffer.
struct alignas(BufferPool::kAlignment) Header {
  size_t capacity;
};

/// Rounded up by at most an eighth, so that buffers of like sizes serve each other.
size_t capacity_for(size_t bytes) {
  size_t step = kLeastStep;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

Header* header_of(void* buffer) {
  return static_cast<Header*>(buffer) - 1;
}

void* buffer_behind(void* start, size_t capacity) {
  return new (start) Header{capacity} + 1;
}

/// Throws std::bad_alloc.
void* map_pages(size_t bytes) {
  void* const start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  return start;
}

void* new_large_buffer(size_t capacity) {
  return buffer_behind(map_pages(capacity + sizeof(Header)), capacity);
}

void delete_large_buffer(void* buffer) {
  Header* const header = header_of(buffer);
  ::munmap(header, header->capacity + sizeof(Header));
}

/// Never destroyed: tensors may be let go while the process ends.
BufferPool& tensor_pool() {
  static auto* const pool = new BufferPool(kMaxKept);
  return *pool;
}

void give_back_tensor(void* data) {
  if (data == nullptr) return;
  c10::profiledCPUMemoryReporter().Delete(data);
  tensor_pool().give_back(data);
}

class PooledAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) const override {
    void* const buffer = bytes == 0 ? nullptr : tensor_pool().take(bytes);
    if (buffer != nullptr) c10::profiledCPUMemoryReporter().New(buffer, bytes);  // for those who watch
    return {buffer, buffer, give_back_tensor, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return give_back_tensor; }
};

}  // namespace

BufferPool::BufferPool(size_t max_kept) : max_kept_(max_kept) {}

BufferPool::~BufferPool() {
  for (const auto& [capacity, shelf] : shelves_) {
    for (void* const buffer : shelf.unused) delete_large_buffer(buffer);
  }
  for (void* const slab : slabs_) ::munmap(slab, kSlabBytes);
}

void* BufferPool::take(size_t bytes) {
  const size_t capacity = capacity_for(bytes);
  if (capacity < kLargeFrom) return take_small(capacity);
  void* const buffer = take_unused(capacity);
  return buffer == nullptr ? new_large_buffer(capacity) : buffer;
}

void* BufferPool::take_small(size_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<void*>& unused = small_[capacity];
  if (unused.empty()) return cut_from_slab(capacity);
  void* const buffer = unused.back();
  unused.pop_back();
  return buffer;
}

void* BufferPool::cut_from_slab(size_t capacity) {
  const size_t bytes = capacity + sizeof(Header);
  if (kSlabBytes - slab_used_ < bytes) {
    slabs_.reserve(slabs_.size() + 1);
    slabs_.push_back(map_pages(kSlabBytes));
    slab_used_ = 0;
  }
  void* const start = static_cast<char*>(slabs_.back()) + slab_used_;
  slab_used_ += bytes;
  return buffer_behind(start, capacity);
}

/// Null when there is none.
void* BufferPool::take_unused(size_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (++num_taken_ >= kWhile) let_go_of_idle_buffers();
  const auto found = shelves_.find(capacity);
  if (found == shelves_.end() || found->second.unused.empty()) return nullptr;
  Shelf& shelf = found->second;
  void* const buffer = shelf.unused.back();
  shelf.unused.pop_back();
  shelf.least_unused = std::min(shelf.least_unused, shelf.unused.size());
  kept_ -= capacity;
  return buffer;
}

void BufferPool::give_back(void* buffer) {
  const size_t capacity = header_of(buffer)->capacity;
  if (capacity <= kLargest) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (capacity < kLargeFrom) {
      small_[capacity].push_back(buffer);
      return;
    }
    if (kept_ + capacity <= max_kept_) {
      shelves_[capacity].unused.push_back(buffer);
      kept_ += capacity;
      return;
    }
  }
  delete_large_buffer(buffer);
}

/// The longest unused lie first.
void BufferPool::let_go_of_idle_buffers() {
  num_taken_ = 0;
  for (auto& [capacity, shelf] : shelves_) {
    const auto end = shelf.unused.begin() + static_cast<std::ptrdiff_t>(shelf.least_unused);
    std::for_each(shelf.unused.begin(), end, delete_large_buffer);
    shelf.unused.erase(shelf.unused.begin(), end);
    kept_ -= capacity * shelf.least_unused;
    shelf.least_unused = shelf.unused.size();
  }
}

size_t BufferPool::kept_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept_;
}

void pool_tensor_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  static const bool installed = [] {
    static PooledAllocator allocator;
    c10::SetCPUAllocator(&allocator);
    return true;
  }();
  static_cast<void>(installed);
#endif
}

}  // namespace spyhop
