#include "runtime/kernels/mix_experts.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

template <typename T>
SPYHOP_INLINE void add_loop(const T* row, float weight, float* sums, int64_t width) {
  for (int64_t i = 0; i < width; ++i) sums[i] += weight * simd::to_float(row[i]);
}

template <typename T>
SPYHOP_INLINE void store_loop(const float* sums, T* y, int64_t width) {
  for (int64_t i = 0; i < width; ++i) y[i] = simd::from_float<T>(sums[i]);
}

SPYHOP_CLONES void add_row(const Bf16* row, float weight, float* sums, int64_t width) {
  add_loop(row, weight, sums, width);
}
SPYHOP_CLONES void add_row(const float* row, float weight, float* sums, int64_t width) {
  add_loop(row, weight, sums, width);
}
SPYHOP_CLONES void store_row(const float* sums, Bf16* y, int64_t width) {
  store_loop(sums, y, width);
}
SPYHOP_CLONES void store_row(const float* sums, float* y, int64_t width) {
  store_loop(sums, y, width);
}

template <typename T>
void mix_all(const at::Tensor& rows, const at::Tensor& slots, const at::Tensor& weights, const at::Tensor& y) {
  const int64_t width = rows.size(1);
  const int64_t k = slots.size(1);
  const int64_t* const slot = slots.data_ptr<int64_t>();
  const float* const weight = weights.data_ptr<float>();
  parallel_ranges(slots.size(0), 4, [&](int64_t begin, int64_t end) {
    std::vector<float> sums(static_cast<size_t>(width));
    for (int64_t token = begin; token < end; ++token) {
      std::fill(sums.begin(), sums.end(), 0.0F);
      for (int64_t j = token * k; j < (token + 1) * k; ++j) {
        add_row(simd::data<T>(rows) + slot[j] * width, weight[j], sums.data(), width);
      }
      store_row(sums.data(), simd::mutable_data<T>(y) + token * width, width);
    }
  });
}

}  // namespace

at::Tensor mix_experts_aten(const at::Tensor& rows, const at::Tensor& slots, const at::Tensor& weights) {
  const at::Tensor chosen =
      rows.to(at::kFloat).index_select(0, slots.flatten()).view({slots.size(0), slots.size(1), rows.size(1)});
  return (chosen * weights.unsqueeze(2)).sum(1).to(rows.scalar_type());
}

at::Tensor mix_experts(const at::Tensor& rows, const at::Tensor& slots, const at::Tensor& weights) {
  require(slots.sizes() == weights.sizes() && slots.dim() == 2 && rows.dim() == 2, "mix_experts' shapes do not fit");
  if (!on_cpu(rows) || !is_compute_type(rows)) return mix_experts_aten(rows, slots, weights);
  require(rows.is_contiguous() && slots.is_contiguous() && weights.is_contiguous(), "mix_experts takes contiguous tensors");
  at::Tensor y = at::empty({slots.size(0), rows.size(1)}, rows.options());
  if (rows.scalar_type() == at::kFloat) {
    mix_all<float>(rows, slots, weights, y);
  } else {
    mix_all<Bf16>(rows, slots, weights, y);
  }
  return y;
}

}  // namespace spyhop::kernels
