#include "runtime/kernels/gemv.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "runtime/kernels/check.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

// Sixteen numbers at a time, in the registers that the chosen instruction set has.
constexpr int64_t kLanes = 16;
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Words = uint32_t __attribute__((vector_size(kLanes * sizeof(uint32_t))));
using Halves = uint16_t __attribute__((vector_size(kLanes * sizeof(uint16_t))));

SPYHOP_INLINE void load(const float* from, Floats& to) {
  std::memcpy(&to, from, sizeof to);
}

SPYHOP_INLINE void load(const Bf16* from, Floats& to) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const Words words = __builtin_convertvector(halves, Words) << 16;
  std::memcpy(&to, &words, sizeof to);
}

/// sums[r] = weight . x[r]. One row of the weight at a time: memory is read as one stream, which is what bounds these products.
template <int kRows, typename T>
SPYHOP_INLINE void dot_rows(const T* weight, const float* x, int64_t width, float* sums) {
  constexpr int64_t kStep = 2 * kLanes;  // two chains of additions hide their latency
  Floats even[kRows] = {};
  Floats odd[kRows] = {};
  int64_t i = 0;
  for (; i + kStep <= width; i += kStep) {
    Floats first, second;
    load(weight + i, first);
    load(weight + i + kLanes, second);
    for (int r = 0; r < kRows; ++r) {
      Floats x_first, x_second;
      load(x + r * width + i, x_first);
      load(x + r * width + i + kLanes, x_second);
      even[r] += first * x_first;
      odd[r] += second * x_second;
    }
  }
  for (int r = 0; r < kRows; ++r) {
    const Floats total = even[r] + odd[r];
    float sum = 0;
    for (int64_t lane = 0; lane < kLanes; ++lane) sum += total[lane];
    for (int64_t tail = i; tail < width; ++tail) sum += simd::to_float(weight[tail]) * x[r * width + tail];
    sums[r] = sum;
  }
}

template <typename T>
SPYHOP_INLINE void dot_any(const T* weight, const float* x, int64_t num_rows, int64_t width, float* sums) {
  static_assert(kMaxGemvRows == 4);
  switch (num_rows) {
    case 1:
      return dot_rows<1>(weight, x, width, sums);
    case 2:
      return dot_rows<2>(weight, x, width, sums);
    case 3:
      return dot_rows<3>(weight, x, width, sums);
    default:
      return dot_rows<4>(weight, x, width, sums);
  }
}

SPYHOP_CLONES void dots(const Bf16* weight, const float* x, int64_t num_rows, int64_t width, float* sums) {
  dot_any(weight, x, num_rows, width, sums);
}
SPYHOP_CLONES void dots(const float* weight, const float* x, int64_t num_rows, int64_t width, float* sums) {
  dot_any(weight, x, num_rows, width, sums);
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

/// Columns [begin, end) of one task.
template <typename T>
void run_columns(const Job<T>& job, int64_t begin, int64_t end) {
  float sums[kMaxGemvRows];
  for (int64_t column = begin; column < end; ++column) {
    dots(job.weight + column * job.in, job.x, job.num_rows, job.in, sums);
    const float bias = job.bias == nullptr ? 0.0F : simd::to_float(job.bias[column]);
    for (int64_t row = 0; row < job.num_rows; ++row) {
      job.y[row * job.out + column] = simd::from_float<T>(sums[row] + bias);
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
  const int64_t grain = std::max<int64_t>(1, (int64_t{1} << 16) / work);
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
