#include "runtime/kernels/gemv.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

/// Rows of the weight that share one pass over x.
constexpr int64_t kWeightRows = 4;

template <typename T>
SPYHOP_INLINE void dot_panel(const T* weight, const float* x, int64_t width, float* sums) {
  const T* const w0 = weight;
  const T* const w1 = weight + width;
  const T* const w2 = weight + 2 * width;
  const T* const w3 = weight + 3 * width;
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
  for (int64_t i = 0; i < width; ++i) {
    s0 += simd::to_float(w0[i]) * x[i];
    s1 += simd::to_float(w1[i]) * x[i];
    s2 += simd::to_float(w2[i]) * x[i];
    s3 += simd::to_float(w3[i]) * x[i];
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

template <typename T>
SPYHOP_INLINE float dot_row(const T* weight, const float* x, int64_t width) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < width; ++i) sum += simd::to_float(weight[i]) * x[i];
  return sum;
}

/// sums[0 .. count) = weight rows . x
template <typename T>
SPYHOP_INLINE void dot_rows(const T* weight, int64_t count, const float* x, int64_t width, float* sums) {
  int64_t i = 0;
  for (; i + kWeightRows <= count; i += kWeightRows) dot_panel(weight + i * width, x, width, sums + i);
  for (; i < count; ++i) sums[i] = dot_row(weight + i * width, x, width);
}

SPYHOP_CLONES void dots(const Bf16* weight, int64_t count, const float* x, int64_t width, float* sums) {
  dot_rows(weight, count, x, width, sums);
}
SPYHOP_CLONES void dots(const float* weight, int64_t count, const float* x, int64_t width, float* sums) {
  dot_rows(weight, count, x, width, sums);
}

template <typename T>
struct Job {
  const float* x;
  const T* weight;
  const T* bias;
  T* y;
  int64_t num_rows, in, out;
  int64_t first_column;  // of the concatenation of all tasks' columns
};

/// Columns [begin, end) of one task. Small panels keep the weights in L1 while the rows of x go over them.
template <typename T>
void run_columns(const Job<T>& job, int64_t begin, int64_t end) {
  float sums[kWeightRows];
  for (int64_t column = begin; column < end; column += kWeightRows) {
    const int64_t count = std::min(kWeightRows, end - column);
    for (int64_t row = 0; row < job.num_rows; ++row) {
      dots(job.weight + column * job.in, count, job.x + row * job.in, job.in, sums);
      for (int64_t i = 0; i < count; ++i) {
        const float bias = job.bias == nullptr ? 0.0F : simd::to_float(job.bias[column + i]);
        job.y[row * job.out + column + i] = simd::from_float<T>(sums[i] + bias);
      }
    }
  }
}

template <typename T>
void run_all(const std::vector<GemvTask>& tasks) {
  std::vector<at::Tensor> wide;  // keeps the f32 copies of x alive
  std::vector<Job<T>> jobs;
  int64_t num_columns = 0;
  int64_t work = 1;
  for (const GemvTask& task : tasks) {
    wide.push_back(task.x.to(at::kFloat));
    const T* const bias = task.bias.defined() ? simd::data<T>(task.bias) : nullptr;
    jobs.push_back({simd::data<float>(wide.back()), simd::data<T>(task.weight), bias, simd::mutable_data<T>(task.y),
                    task.x.size(0), task.x.size(1), task.weight.size(0), num_columns});
    num_columns += task.weight.size(0);
    work = std::max(work, task.x.size(0) * task.x.size(1));
  }
  const int64_t grain = std::max<int64_t>(kWeightRows, (int64_t{1} << 16) / work);
  at::parallel_for(0, num_columns, grain, [&](int64_t begin, int64_t end) {
    for (const Job<T>& job : jobs) {
      const int64_t first = std::max(begin, job.first_column) - job.first_column;
      const int64_t last = std::min(end, job.first_column + job.out) - job.first_column;
      if (first < last) run_columns(job, first, last);
    }
  });
}

}  // namespace

void gemv(const std::vector<GemvTask>& tasks) {
  if (tasks.empty()) return;
  const at::ScalarType type = tasks.front().x.scalar_type();
  for (const GemvTask& task : tasks) {
    require(task.x.scalar_type() == type && task.weight.scalar_type() == type && task.y.scalar_type() == type,
            "gemv takes one type");
    require(task.x.is_contiguous() && task.weight.is_contiguous() && task.y.is_contiguous(), "gemv takes contiguous tensors");
    require(task.x.size(0) <= kMaxGemvRows && task.x.size(1) == task.weight.size(1), "gemv's shapes do not fit");
  }
  if (type == at::kFloat) {
    run_all<float>(tasks);
  } else {
    run_all<Bf16>(tasks);
  }
}

}  // namespace spyhop::kernels
