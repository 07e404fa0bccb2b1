#include "runtime/kernels/rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

constexpr int64_t kGrainBytes = 65536;  // below it a second thread costs more than it gives

template <typename T>
SPYHOP_INLINE void add_loop(T* x, const T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = simd::from_float<T>(simd::to_float(x[i]) + simd::to_float(y[i]));
}

SPYHOP_CLONES void add_span(Bf16* x, const Bf16* y, int64_t count) {
  add_loop(x, y, count);
}
SPYHOP_CLONES void add_span(float* x, const float* y, int64_t count) {
  add_loop(x, y, count);
}

template <typename T>
void add_all(const at::Tensor& x, const at::Tensor& y) {
  parallel_ranges(x.numel(), kGrainBytes / static_cast<int64_t>(sizeof(T)), [&](int64_t begin, int64_t end) {
    add_span(simd::mutable_data<T>(x) + begin, simd::data<T>(y) + begin, end - begin);
  });
}

}  // namespace

void add_in_place(const at::Tensor& x, const at::Tensor& y) {
  require(x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type(), "add_in_place takes two tensors of one shape");
  if (!on_cpu(x) || !is_compute_type(x)) {
    x.add_(y);
    return;
  }
  require(x.is_contiguous() && y.is_contiguous(), "add_in_place takes contiguous tensors");
  if (x.scalar_type() == at::kFloat) {
    add_all<float>(x, y);
  } else {
    add_all<Bf16>(x, y);
  }
}

at::Tensor gather_rows(const at::Tensor& x, const std::vector<int64_t>& indices) {
  require(x.dim() == 2 && x.is_contiguous(), "gather_rows takes contiguous rows");
  const auto num_rows = static_cast<int64_t>(indices.size());
  if (!on_cpu(x)) return x.index_select(0, at::tensor(indices, at::kLong).to(x.device()));
  for (const int64_t index : indices) require(index >= 0 && index < x.size(0), "gather_rows' rows exist");
  at::Tensor rows = at::empty({num_rows, x.size(1)}, x.options());
  const int64_t row_bytes = x.size(1) * static_cast<int64_t>(x.element_size());
  const auto* const from = static_cast<const char*>(x.data_ptr());
  auto* const to = static_cast<char*>(rows.data_ptr());
  parallel_ranges(num_rows, std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, row_bytes)),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t row = begin; row < end; ++row) {
                      std::memcpy(to + row * row_bytes, from + indices[static_cast<size_t>(row)] * row_bytes,
                                  static_cast<size_t>(row_bytes));
                    }
                  });
  return rows;
}

}  // namespace spyhop::kernels
