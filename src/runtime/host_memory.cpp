#include "runtime/host_memory.h"

#include <ATen/ATen.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kOwnPagesBytes = size_t{128} << 10;  // from here on a tensor has pages of its own
constexpr std::align_val_t kAlignment{64};

std::atomic<int64_t> allocated_bytes{0};
std::atomic<int64_t> peak_bytes{0};

void count_allocated(size_t bytes) {
  const int64_t now = allocated_bytes.fetch_add(static_cast<int64_t>(bytes)) + static_cast<int64_t>(bytes);
  int64_t peak = peak_bytes.load();
  while (peak < now && !peak_bytes.compare_exchange_weak(peak, now)) {
  }
}

void count_freed(size_t bytes) {
  allocated_bytes.fetch_sub(static_cast<int64_t>(bytes));
}

at::Tensor allocate_small(const std::vector<int64_t>& shape, at::ScalarType type, size_t bytes) {
  void* const start = ::operator new(bytes, kAlignment);
  std::memset(start, 0, bytes);
  count_allocated(bytes);
  const auto let_go = [bytes](void* data) {
    ::operator delete(data, kAlignment);
    count_freed(bytes);
  };
  return at::from_blob(start, shape, let_go, at::TensorOptions().dtype(type));
}

}  // namespace

at::Tensor allocate_tensor(const std::vector<int64_t>& shape, at::ScalarType type) {
  size_t bytes = at::elementSize(type);
  for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
  if (bytes < kOwnPagesBytes) return allocate_small(shape, type, bytes);

  const size_t mapped = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  void* start = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) {
    throw Error(ErrorCode::kModelLoad,
                "no memory for a tensor of " + std::to_string(bytes) + " bytes: " + std::strerror(errno));
  }
  // Neighbours merge into one region, so huge pages serve many tensors that are each smaller than one. A kernel without them
  // refuses.
  static_cast<void>(::madvise(start, mapped, MADV_HUGEPAGE));
  count_allocated(bytes);
  const auto let_go = [bytes, mapped](void* data) {
    ::munmap(data, mapped);
    count_freed(bytes);
  };
  return at::from_blob(start, shape, let_go, at::TensorOptions().dtype(type));
}

int64_t allocated_tensor_bytes() {
  return allocated_bytes.load();
}

int64_t allocated_tensor_peak() {
  return peak_bytes.load();
}

void reset_allocated_tensor_peak() {
  peak_bytes.store(allocated_bytes.load());
}

}  // namespace spyhop
