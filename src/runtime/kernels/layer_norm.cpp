#include "runtime/kernels/layer_norm.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

template <typename T>
struct Affine {
  const T* weight;
  const T* bias;
  float eps;
};

template <typename T>
SPYHOP_INLINE void row(const T* x, const Affine<T>& affine, T* y, int64_t width) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < width; ++i) sum += simd::to_float(x[i]);
  const float mean = sum / static_cast<float>(width);
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < width; ++i) {
    const float centred = simd::to_float(x[i]) - mean;
    squares += centred * centred;
  }
  const float scale = 1.0F / std::sqrt(squares / static_cast<float>(width) + affine.eps);
  const T* const weight = affine.weight;
  const T* const bias = affine.bias;
  for (int64_t i = 0; i < width; ++i) {
    const float normed = (simd::to_float(x[i]) - mean) * scale;
    y[i] = simd::from_float<T>(normed * simd::to_float(weight[i]) + simd::to_float(bias[i]));
  }
}

SPYHOP_CLONES void norm_row(const Bf16* x, const Affine<Bf16>& affine, Bf16* y, int64_t width) {
  row(x, affine, y, width);
}
SPYHOP_CLONES void norm_row(const float* x, const Affine<float>& affine, float* y, int64_t width) {
  row(x, affine, y, width);
}

template <typename T>
void all_rows(const at::Tensor& x, const Affine<T>& affine, const at::Tensor& y) {
  const int64_t width = x.size(1);
  parallel_ranges(x.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      norm_row(simd::data<T>(x) + i * width, affine, simd::mutable_data<T>(y) + i * width, width);
    }
  });
}

}  // namespace

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps) {
  require(x.dim() == 2 && weight.numel() == x.size(1) && bias.numel() == x.size(1),
          "layer_norm takes [rows, width] and [width]");
  const bool one_type = weight.scalar_type() == x.scalar_type() && bias.scalar_type() == x.scalar_type();
  if (!on_cpu(x) || !is_compute_type(x) || !one_type) return at::layer_norm(x, {x.size(1)}, weight, bias, eps);
  const at::Tensor rows = x.contiguous();
  const at::Tensor scale = weight.contiguous();
  const at::Tensor shift = bias.contiguous();
  at::Tensor y = at::empty_like(rows);
  if (x.scalar_type() == at::kFloat) {
    all_rows<float>(rows, {simd::data<float>(scale), simd::data<float>(shift), static_cast<float>(eps)}, y);
  } else {
    all_rows<Bf16>(rows, {simd::data<Bf16>(scale), simd::data<Bf16>(shift), static_cast<float>(eps)}, y);
  }
  return y;
}

}  // namespace spyhop::kernels
