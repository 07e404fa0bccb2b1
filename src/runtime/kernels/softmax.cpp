#include "runtime/kernels/softmax.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

struct RowTask {
  float scale;
  int64_t visible;
  int64_t width;
  float* buffer;  // [width]
};

template <typename T>
SPYHOP_INLINE void row(T* scores, const RowTask& task) {
  float* const values = task.buffer;
  float best = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : best)
  for (int64_t i = 0; i < task.visible; ++i) {
    const float value = simd::rounded<T>(simd::to_float(scores[i]) * task.scale);
    values[i] = value;
    best = value > best ? value : best;
  }
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < task.visible; ++i) {
    const float value = simd::exp_approx(values[i] - best);
    values[i] = value;
    sum += value;
  }
  const float inverse = 1.0F / sum;
  for (int64_t i = 0; i < task.visible; ++i) scores[i] = simd::from_float<T>(values[i] * inverse);
  for (int64_t i = task.visible; i < task.width; ++i) scores[i] = simd::from_float<T>(0.0F);
}

SPYHOP_CLONES void softmax_row(Bf16* scores, const RowTask& task) {
  row(scores, task);
}
SPYHOP_CLONES void softmax_row(float* scores, const RowTask& task) {
  row(scores, task);
}

int64_t visible_keys(int64_t row_index, int64_t width, const SoftmaxOptions& options) {
  const int64_t further = options.causal ? row_index / options.rows_per_query : 0;
  return std::min(width, options.first_visible + further);
}

template <typename T>
void all_rows(const at::Tensor& scores, const SoftmaxOptions& options) {
  const int64_t num_rows = scores.size(1);
  const int64_t width = scores.size(2);
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, width));
  at::parallel_for(0, scores.size(0) * num_rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(static_cast<size_t>(width));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t visible = visible_keys(i % num_rows, width, options);
      softmax_row(simd::mutable_data<T>(scores) + i * width,
                  {static_cast<float>(options.scale), visible, width, buffer.data()});
    }
  });
}

}  // namespace

void masked_softmax_aten(at::Tensor scores, const SoftmaxOptions& options) {
  const at::TensorOptions index = scores.options().dtype(at::kLong);
  at::Tensor visible = at::zeros({scores.size(1)}, index);
  if (options.causal) visible = at::floor_divide(at::arange(scores.size(1), index), options.rows_per_query);
  const at::Tensor hidden = at::arange(scores.size(2), index).unsqueeze(0) >= (visible + options.first_visible).unsqueeze(1);
  const at::Tensor scaled = (scores.to(at::kFloat) * options.scale).to(scores.scalar_type()).to(at::kFloat);
  scores.copy_(at::softmax(scaled.masked_fill(hidden, -std::numeric_limits<float>::infinity()), -1));
}

void masked_softmax(at::Tensor scores, const SoftmaxOptions& options) {
  require(scores.dim() == 3 && scores.is_contiguous(), "masked_softmax takes contiguous [batch, rows, keys]");
  require(options.first_visible > 0 && options.rows_per_query > 0, "masked_softmax needs a visible key");
  if (!on_cpu(scores) || !is_compute_type(scores)) return masked_softmax_aten(scores, options);
  if (scores.scalar_type() == at::kFloat) {
    all_rows<float>(scores, options);
  } else {
    all_rows<Bf16>(scores, options);
  }
}

}  // namespace spyhop::kernels
