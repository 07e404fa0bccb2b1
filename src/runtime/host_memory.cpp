#include "runtime/host_memory.h"

#include <ATen/ATen.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kOwnPagesBytes = size_t{128} << 10;  // from here on a tensor has pages of its own

}  // namespace

at::Tensor allocate_tensor(const std::vector<int64_t>& shape, at::ScalarType type) {
  size_t bytes = at::elementSize(type);
  for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
  if (bytes < kOwnPagesBytes) return at::zeros(shape, at::TensorOptions().dtype(type));

  const size_t mapped = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  void* start = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) {
    throw Error(ErrorCode::kModelLoad,
                "no memory for a tensor of " + std::to_string(bytes) + " bytes: " + std::strerror(errno));
  }
  // Neighbours merge into one region, so huge pages serve many tensors that are each smaller than one. A kernel without them
  // refuses.
  static_cast<void>(::madvise(start, mapped, MADV_HUGEPAGE));
  return at::from_blob(
      start, shape, [mapped](void* data) { ::munmap(data, mapped); }, at::TensorOptions().dtype(type));
}

}  // namespace spyhop
