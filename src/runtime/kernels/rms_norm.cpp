#include "runtime/kernels/rms_norm.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

template <typename T>
SPYHOP_INLINE void row(const T* x, const T* weight, T* y, int64_t width, float eps) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < width; ++i) sum += simd::to_float(x[i]) * simd::to_float(x[i]);
  const float scale = 1.0F / std::sqrt(sum / static_cast<float>(width) + eps);
  for (int64_t i = 0; i < width; ++i) {
    const float normed = simd::rounded<T>(simd::to_float(x[i]) * scale);
    y[i] = simd::from_float<T>(normed * simd::to_float(weight[i]));
  }
}

SPYHOP_CLONES void rms_row(const Bf16* x, const Bf16* weight, Bf16* y, int64_t width, float eps) {
  row(x, weight, y, width, eps);
}
SPYHOP_CLONES void rms_row(const float* x, const float* weight, float* y, int64_t width, float eps) {
  row(x, weight, y, width, eps);
}

template <typename T>
void all_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& y, float eps) {
  const int64_t width = x.size(1);
  parallel_ranges(x.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      rms_row(simd::data<T>(x) + i * width, simd::data<T>(weight), simd::mutable_data<T>(y) + i * width, width, eps);
    }
  });
}

}  // namespace

at::Tensor rms_norm_aten(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor normed = wide * at::rsqrt(wide.pow(2).mean({-1}, true) + eps);
  return normed.to(x.scalar_type()) * weight;
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  require(x.dim() == 2 && weight.dim() == 1 && x.size(1) == weight.size(0), "rms_norm takes [rows, width] and [width]");
  if (!on_cpu(x) || !is_compute_type(x) || weight.scalar_type() != x.scalar_type()) return rms_norm_aten(x, weight, eps);
  const at::Tensor rows = x.contiguous();
  const at::Tensor scale = weight.contiguous();
  at::Tensor y = at::empty_like(rows);
  if (x.scalar_type() == at::kFloat) {
    all_rows<float>(rows, scale, y, static_cast<float>(eps));
  } else {
    all_rows<Bf16>(rows, scale, y, static_cast<float>(eps));
  }
  return y;
}

}  // namespace spyhop::kernels
