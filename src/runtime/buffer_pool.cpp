#include "runtime/buffer_pool.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace spyhop {
namespace {

constexpr size_t kMaxKept = size_t{256} << 20;
constexpr int64_t kWhile = int64_t{1} << 12;  // buffers taken: tens of steps
constexpr size_t kLeastStep = 64;
constexpr std::align_val_t kAlign{BufferPool::kAlignment};

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
void* new_buffer(size_t capacity) {
  const size_t bytes = capacity + sizeof(Header);
  if (capacity < BufferPool::kSmallest) return buffer_behind(::operator new(bytes, kAlign), capacity);
  void* const start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  return buffer_behind(start, capacity);
}

void delete_buffer(void* buffer) {
  Header* const header = header_of(buffer);
  if (header->capacity < BufferPool::kSmallest) {
    ::operator delete(header, kAlign);
  } else {
    ::munmap(header, header->capacity + sizeof(Header));
  }
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
    for (void* const buffer : shelf.unused) delete_buffer(buffer);
  }
}

void* BufferPool::take(size_t bytes) {
  const size_t capacity = capacity_for(bytes);
  if (capacity < kSmallest) return new_buffer(capacity);
  void* const buffer = take_unused(capacity);
  return buffer == nullptr ? new_buffer(capacity) : buffer;
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
  if (capacity >= kSmallest && capacity <= kLargest) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (kept_ + capacity <= max_kept_) {
      shelves_[capacity].unused.push_back(buffer);
      kept_ += capacity;
      return;
    }
  }
  delete_buffer(buffer);
}

/// The longest unused lie first.
void BufferPool::let_go_of_idle_buffers() {
  num_taken_ = 0;
  for (auto& [capacity, shelf] : shelves_) {
    const auto end = shelf.unused.begin() + static_cast<std::ptrdiff_t>(shelf.least_unused);
    std::for_each(shelf.unused.begin(), end, delete_buffer);
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
