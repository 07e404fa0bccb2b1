#include "runtime/kernels/rope.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

template <typename T>
SPYHOP_INLINE void rotate_pair(T& a, T& b, float cos, float sin) {
  const float x = simd::to_float(a);
  const float y = simd::to_float(b);
  a = simd::from_float<T>(simd::rounded<T>(x * cos) - simd::rounded<T>(y * sin));
  b = simd::from_float<T>(simd::rounded<T>(y * cos) + simd::rounded<T>(x * sin));
}

template <typename T>
struct Angles {
  const T* cos;
  const T* sin;
  int64_t half;
};

template <typename T>
SPYHOP_INLINE void split_loop(T* head, const Angles<T>& angles) {
  T* const first = head;
  T* const second = head + angles.half;
#pragma omp simd
  for (int64_t i = 0; i < angles.half; ++i) {
    rotate_pair(first[i], second[i], simd::to_float(angles.cos[i]), simd::to_float(angles.sin[i]));
  }
}

template <typename T>
SPYHOP_INLINE void interleaved_loop(T* head, const Angles<T>& angles) {
#pragma omp simd
  for (int64_t i = 0; i < angles.half; ++i) {
    rotate_pair(head[2 * i], head[2 * i + 1], simd::to_float(angles.cos[i]), simd::to_float(angles.sin[i]));
  }
}

SPYHOP_CLONES void rotate_split(Bf16* head, const Angles<Bf16>& angles) {
  split_loop(head, angles);
}
SPYHOP_CLONES void rotate_split(float* head, const Angles<float>& angles) {
  split_loop(head, angles);
}
SPYHOP_CLONES void rotate_interleaved(Bf16* head, const Angles<Bf16>& angles) {
  interleaved_loop(head, angles);
}
SPYHOP_CLONES void rotate_interleaved(float* head, const Angles<float>& angles) {
  interleaved_loop(head, angles);
}

template <typename T>
void rotate_all(const at::Tensor& x, const RopeTable& table, RopePairs pairs) {
  const int64_t half = x.size(2) / 2;
  parallel_ranges(x.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const Angles<T> angles{simd::data<T>(table.cos) + token * half, simd::data<T>(table.sin) + token * half, half};
      for (int64_t head = 0; head < x.size(1); ++head) {
        T* const values = simd::mutable_data<T>(x) + token * x.stride(0) + head * x.stride(1);
        if (pairs == RopePairs::kHalfSplit) {
          rotate_split(values, angles);
        } else {
          rotate_interleaved(values, angles);
        }
      }
    }
  });
}

}  // namespace

RopeTable make_rope_table(const at::Tensor& positions, int dim, double theta, at::ScalarType compute_type) {
  const at::TensorOptions options = positions.options().dtype(at::kFloat);
  const at::Tensor exponents = at::arange(0, dim, 2, options) / dim;
  const at::Tensor inverse_frequencies = at::reciprocal(at::pow(theta, exponents));
  const at::Tensor angles = positions.to(at::kFloat).unsqueeze(1) * inverse_frequencies.unsqueeze(0);  // [num_tokens, dim/2]
  if (!on_cpu(angles)) return {at::cos(angles).to(compute_type), at::sin(angles).to(compute_type)};
  // ATen's differ in the last bit between the vectors of a tensor and its tail, so an angle's would depend on its place.
  const auto each = [&angles](float (*function)(float)) {
    const at::Tensor result = at::empty_like(angles);
    const float* const from = angles.data_ptr<float>();
    std::transform(from, from + angles.numel(), result.data_ptr<float>(), function);
    return result;
  };
  return {each(std::cos).to(compute_type), each(std::sin).to(compute_type)};
}

void apply_rope_aten(at::Tensor x, const RopeTable& table, RopePairs pairs) {
  const int64_t half = x.size(2) / 2;
  const bool split = pairs == RopePairs::kHalfSplit;
  at::Tensor first = split ? x.narrow(2, 0, half) : x.slice(2, 0, x.size(2), 2);
  at::Tensor second = split ? x.narrow(2, half, half) : x.slice(2, 1, x.size(2), 2);
  const at::Tensor cos = table.cos.unsqueeze(1);
  const at::Tensor sin = table.sin.unsqueeze(1);
  const at::Tensor rotated = first * cos - second * sin;
  second.copy_(second * cos + first * sin);
  first.copy_(rotated);
}

void apply_rope(at::Tensor x, const RopeTable& table, RopePairs pairs) {
  require(x.dim() == 3 && x.size(2) % 2 == 0 && x.stride(2) == 1, "apply_rope takes [tokens, heads, even dim]");
  require(table.cos.size(0) == x.size(0) && table.cos.size(1) * 2 == x.size(2), "apply_rope's table does not fit");
  if (!on_cpu(x) || !is_compute_type(x) || table.cos.scalar_type() != x.scalar_type()) return apply_rope_aten(x, table, pairs);
  if (x.scalar_type() == at::kFloat) {
    rotate_all<float>(x, table, pairs);
  } else {
    rotate_all<Bf16>(x, table, pairs);
  }
}

}  // namespace spyhop::kernels
