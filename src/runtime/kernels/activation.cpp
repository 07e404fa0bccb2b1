#include "runtime/kernels/activation.h"

#include <ATen/ATen.h>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

constexpr double kInverseRootTwo = 0.70710678118654752440;
constexpr int64_t kGrain = 16384;  // elements: below it a second thread costs more than it gives

template <typename T>
SPYHOP_INLINE void silu_mul_loop(const T* gate, const T* up, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = simd::to_float(gate[i]);
    y[i] = simd::from_float<T>(simd::rounded<T>(simd::times_sigmoid(g, g)) * simd::to_float(up[i]));
  }
}

SPYHOP_CLONES void silu_mul_span(const Bf16* gate, const Bf16* up, Bf16* y, int64_t count) {
  silu_mul_loop(gate, up, y, count);
}
SPYHOP_CLONES void silu_mul_span(const float* gate, const float* up, float* y, int64_t count) {
  silu_mul_loop(gate, up, y, count);
}

template <typename T>
SPYHOP_INLINE void gelu_loop(const T* x, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = simd::from_float<T>(simd::gelu_tanh(simd::to_float(x[i])));
}

SPYHOP_CLONES void gelu_span(const Bf16* x, Bf16* y, int64_t count) {
  gelu_loop(x, y, count);
}
SPYHOP_CLONES void gelu_span(const float* x, float* y, int64_t count) {
  gelu_loop(x, y, count);
}

template <typename T>
void silu_mul_all(const at::Tensor& gate, const at::Tensor& up, const at::Tensor& y) {
  parallel_ranges(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    silu_mul_span(simd::data<T>(gate) + begin, simd::data<T>(up) + begin, simd::mutable_data<T>(y) + begin, end - begin);
  });
}

template <typename T>
void gelu_all(const at::Tensor& x, const at::Tensor& y) {
  parallel_ranges(y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    gelu_span(simd::data<T>(x) + begin, simd::mutable_data<T>(y) + begin, end - begin);
  });
}

}  // namespace

at::Tensor silu_mul_aten(const at::Tensor& gate, const at::Tensor& up) {
  return at::silu(gate) * up;
}

at::Tensor silu_mul(const at::Tensor& gate, const at::Tensor& up) {
  require(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type(), "silu_mul takes two tensors of one shape");
  if (!on_cpu(gate) || !is_compute_type(gate)) return silu_mul_aten(gate, up);
  require(gate.is_contiguous() && up.is_contiguous(), "silu_mul takes contiguous tensors");
  at::Tensor y = at::empty_like(gate);
  if (gate.scalar_type() == at::kFloat) {
    silu_mul_all<float>(gate, up, y);
  } else {
    silu_mul_all<Bf16>(gate, up, y);
  }
  return y;
}

at::Tensor gelu_tanh_aten(const at::Tensor& x) {
  return at::gelu(x, "tanh");
}

at::Tensor gelu_tanh(const at::Tensor& x) {
  if (!on_cpu(x) || !is_compute_type(x) || !x.is_contiguous()) return gelu_tanh_aten(x);
  at::Tensor y = at::empty_like(x);
  if (x.scalar_type() == at::kFloat) {
    gelu_all<float>(x, y);
  } else {
    gelu_all<Bf16>(x, y);
  }
  return y;
}

at::Tensor gelu_erf(const at::Tensor& x) {
  // Not at::gelu: libtorch 1.13 hands it to oneDNN, which refuses on machines without AVX-512.
  const at::Tensor wide = x.to(at::kFloat);
  return (wide * 0.5 * (at::erf(wide * kInverseRootTwo) + 1.0)).to(x.scalar_type());
}

}  // namespace spyhop::kernels
