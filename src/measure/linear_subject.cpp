#include "measure/linear_subject.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <utility>

#include "runtime/host_memory.h"
#include "runtime/tensor_fill.h"

namespace spyhop {
namespace {

constexpr uint64_t kSeed = 20;
constexpr double kEnoughOperations = 3e10;  // some tens of milliseconds: where arithmetic takes so long, caches do not matter

at::Tensor random_matrix(int64_t rows, int64_t columns, at::ScalarType type) {
  at::Tensor matrix = allocate_tensor({rows, columns}, type);
  RandomFill fill;
  fill.seed = kSeed;
  fill.amplitude = std::sqrt(3.0F / static_cast<float>(columns));
  run_fill_job(random_job(fill, matrix));
  return matrix;
}

kernels::PackedMatrix pack(const BenchFormat& format, const MatrixShape& shape, const at::Tensor& weight) {
  return shape.is_gated ? kernels::PackedMatrix::gated(weight, weight, format.format)
                        : kernels::PackedMatrix(weight, format.format);
}

/// How many of `num_rows` go to each expert.
std::vector<int64_t> random_counts(const LinearShape& shape, int64_t num_rows, std::mt19937& random) {
  std::vector<int64_t> counts(static_cast<size_t>(shape.num_experts), 0);
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (int64_t row = 0; row < num_rows; ++row) {
    for (int i = 0; i < shape.experts_per_row; ++i) {
      const auto first = static_cast<size_t>(i);
      std::swap(order[first], order[std::uniform_int_distribution<size_t>(first, order.size() - 1)(random)]);
      ++counts[order[first]];
    }
  }
  return counts;
}

int64_t bytes_of(const std::vector<kernels::PackedMatrix>& matrices) {
  int64_t bytes = 0;
  for (const kernels::PackedMatrix& matrix : matrices) bytes += matrix.num_bytes();
  return bytes;
}

}  // namespace

/// The calls of a Run as they are put together.
struct LinearSubject::Build {
  at::Tensor x;  // [rows of all, widest in]: first those that all matrices share, then those of the experts
  at::Tensor y;  // [rows of all, widest out]
  int64_t first_x = 0;
  int64_t first_y = 0;
  std::vector<std::vector<kernels::LinearTask>> calls;
  std::vector<MemoryRegion> weights;
  double operations = 0;
};

LinearSubject::Copy LinearSubject::make_copy(const std::vector<at::Tensor>& matrices, const at::Tensor& expert,
                                             const BenchFormat& format) const {
  Copy copy;
  for (size_t i = 0; i < matrices.size(); ++i) copy.matrices.push_back(pack(format, shape_.matrices[i], matrices[i]));
  for (int i = 0; i < shape_.num_experts; ++i) copy.experts.push_back(pack(format, shape_.expert, expert));
  return copy;
}

LinearSubject::LinearSubject(const LinearShape& shape, const BenchFormat& format, int64_t least_bytes)
    : shape_(shape), type_(format.activations) {
  std::vector<at::Tensor> matrices;
  for (const MatrixShape& matrix : shape.matrices) {
    matrices.push_back(random_matrix(matrix.out, matrix.in, type_));
  }
  const at::Tensor expert = shape.num_experts > 0 ? random_matrix(shape.expert.out, shape.expert.in, type_) : at::Tensor();
  int64_t bytes = 0;
  do {
    copies_.push_back(make_copy(matrices, expert, format));
    bytes += bytes_of(copies_.back().matrices) + bytes_of(copies_.back().experts);
  } while (bytes < least_bytes);
}

void LinearSubject::add_task(Build& build, const kernels::PackedMatrix& weight, int64_t num_rows) const {
  const at::Tensor x = build.x.narrow(0, build.first_x, num_rows).narrow(1, 0, weight.in());
  const at::Tensor y = build.y.narrow(0, build.first_y, num_rows).narrow(1, 0, weight.out());
  build.first_y += num_rows;
  build.calls.back().push_back(kernels::linear_task(x, weight, y));
  for (const MemoryRegion& region : regions_of(weight)) build.weights.push_back(region);
  build.operations += 2.0 * static_cast<double>(num_rows * weight.in() * weight.out()) * (weight.is_gated() ? 2 : 1);
}

void LinearSubject::add_call(Build& build, const Copy& copy, int64_t num_rows, std::mt19937& random) const {
  build.calls.emplace_back();
  build.first_x = build.first_y = 0;
  for (const kernels::PackedMatrix& matrix : copy.matrices) add_task(build, matrix, num_rows);
  const std::vector<int64_t> counts = random_counts(shape_, num_rows, random);
  build.first_x = num_rows;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    add_task(build, copy.experts[i], counts[i]);
    build.first_x += counts[i];
  }
}

LinearSubject::Run LinearSubject::with_rows(int64_t num_rows) const {
  int64_t in = shape_.expert.in;
  int64_t out = shape_.expert.out;
  for (const MatrixShape& matrix : shape_.matrices) {
    in = std::max(in, matrix.in);
    out = std::max(out, matrix.out);
  }
  Build build;
  const auto num_matrices = static_cast<int64_t>(shape_.matrices.size());
  build.x = random_matrix(num_rows * (1 + shape_.experts_per_row), in, type_);
  build.y = allocate_tensor({num_rows * (num_matrices + shape_.experts_per_row), out}, type_);
  std::mt19937 random(kSeed);
  for (const Copy& copy : copies_) {
    if (build.operations < kEnoughOperations) add_call(build, copy, num_rows, random);
  }
  const auto run = [calls = std::move(build.calls), x = build.x, y = build.y] {
    for (const std::vector<kernels::LinearTask>& tasks : calls) kernels::linear(tasks);
  };
  return {run, build.operations, std::move(build.weights)};
}

}  // namespace spyhop
