#include "runtime/kernels/attend_paged.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

/// The rows of one key head in one block.
template <typename T>
struct Rows {
  const T* first;
  int64_t count;
  int64_t stride;
  int64_t dim;
};

template <typename T>
SPYHOP_INLINE void score_loop(const Rows<T>& keys, const float* query, float scale, float* scores) {
  for (int64_t row = 0; row < keys.count; ++row) {
    const T* const key = keys.first + row * keys.stride;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < keys.dim; ++i) sum += simd::to_float(key[i]) * query[i];
    scores[row] = simd::rounded<T>(simd::rounded<T>(sum) * scale);
  }
}

SPYHOP_CLONES void score_rows(const Rows<Bf16>& keys, const float* query, float scale, float* scores) {
  score_loop(keys, query, scale, scores);
}
SPYHOP_CLONES void score_rows(const Rows<float>& keys, const float* query, float scale, float* scores) {
  score_loop(keys, query, scale, scores);
}

template <typename T>
SPYHOP_INLINE void mix_loop(const Rows<T>& values, const float* weights, float* out) {
  for (int64_t row = 0; row < values.count; ++row) {
    const T* const value = values.first + row * values.stride;
    const float weight = weights[row];
    for (int64_t i = 0; i < values.dim; ++i) out[i] += weight * simd::to_float(value[i]);
  }
}

SPYHOP_CLONES void mix_rows(const Rows<Bf16>& values, const float* weights, float* out) {
  mix_loop(values, weights, out);
}
SPYHOP_CLONES void mix_rows(const Rows<float>& values, const float* weights, float* out) {
  mix_loop(values, weights, out);
}

template <typename T>
SPYHOP_INLINE void softmax_loop(float* scores, int64_t count) {
  float best = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : best)
  for (int64_t i = 0; i < count; ++i) best = scores[i] > best ? scores[i] : best;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = simd::exp_approx(scores[i] - best);
    sum += scores[i];
  }
  const float inverse = 1.0F / sum;
  for (int64_t i = 0; i < count; ++i) scores[i] = simd::rounded<T>(scores[i] * inverse);
}

SPYHOP_CLONES void softmax_bf16(float* scores, int64_t count) {
  softmax_loop<Bf16>(scores, count);
}
SPYHOP_CLONES void softmax_f32(float* scores, int64_t count) {
  softmax_loop<float>(scores, count);
}

/// Calls f(rows, first position) for each block of one key head.
template <typename T, typename F>
void for_each_block(const PagedInput& input, const at::Tensor& cache, int64_t kv_head, const F& f) {
  const int64_t block_size = cache.size(1);
  const int64_t width = cache.size(2);
  const int64_t dim = width / input.num_kv_heads;
  for (int64_t begin = 0; begin < input.num_keys; begin += block_size) {
    const int64_t block = (*input.block_table)[static_cast<size_t>(begin / block_size)];
    const T* const first = simd::data<T>(cache) + block * block_size * width + kv_head * dim;
    f(Rows<T>{first, std::min(block_size, input.num_keys - begin), width, dim}, begin);
  }
}

template <typename T>
void attend_head(const PagedInput& input, int64_t head, T* out) {
  const int64_t dim = input.query.size(1);
  const int64_t kv_head = head / (input.query.size(0) / input.num_kv_heads);
  std::vector<float> query(static_cast<size_t>(dim));
  for (int64_t i = 0; i < dim; ++i) query[static_cast<size_t>(i)] = simd::to_float(simd::data<T>(input.query)[head * dim + i]);
  std::vector<float> scores(static_cast<size_t>(input.num_keys));
  for_each_block<T>(input, input.keys, kv_head, [&](const Rows<T>& rows, int64_t begin) {
    score_rows(rows, query.data(), static_cast<float>(input.scale), scores.data() + begin);
  });
  if constexpr (std::is_same_v<T, float>) {
    softmax_f32(scores.data(), input.num_keys);
  } else {
    softmax_bf16(scores.data(), input.num_keys);
  }
  std::vector<float> sums(static_cast<size_t>(dim), 0.0F);
  for_each_block<T>(input, input.values, kv_head,
                    [&](const Rows<T>& rows, int64_t begin) { mix_rows(rows, scores.data() + begin, sums.data()); });
  for (int64_t i = 0; i < dim; ++i) out[i] = simd::from_float<T>(sums[static_cast<size_t>(i)]);
}

template <typename T>
void all_heads(const PagedInput& input, const at::Tensor& out) {
  const int64_t dim = input.query.size(1);
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, input.num_keys * dim));
  at::parallel_for(0, input.query.size(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) attend_head<T>(input, head, simd::mutable_data<T>(out) + head * dim);
  });
}

}  // namespace

at::Tensor attend_paged(const PagedInput& input) {
  require(input.query.dim() == 2 && input.query.is_contiguous() && on_cpu(input.query),
          "attend_paged takes [heads, dim] on the CPU");
  require(input.keys.size(2) == input.num_kv_heads * input.query.size(1) && input.keys.sizes() == input.values.sizes(),
          "attend_paged's cache does not fit the query");
  at::Tensor out = at::empty({1, input.query.numel()}, input.query.options());
  if (input.query.scalar_type() == at::kFloat) {
    all_heads<float>(input, out);
  } else {
    all_heads<Bf16>(input, out);
  }
  return out;
}

}  // namespace spyhop::kernels
