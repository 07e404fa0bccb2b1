// Products of a model's shapes over weights that no cache holds.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "measure/linear_shapes.h"
#include "measure/machine_limits.h"
#include "measure/packed_format.h"
#include "runtime/kernels/linear.h"

namespace spyhop {

/// As many copies of a shape's weights as fill `least_bytes`: each call takes the next one, so that its weights come from
/// memory. Uses the calling thread's pool.
class LinearSubject {
 public:
  LinearSubject(const LinearShape& shape, const BenchFormat& format, int64_t least_bytes);

  /// Ready to be run over rows of random numbers; each row goes to random experts, all different.
  struct Run {
    std::function<void()> products;     // all copies in turn
    double operations = 0;              // of all of them
    std::vector<MemoryRegion> weights;  // those that are read
  };
  Run with_rows(int64_t num_rows) const;

 private:
  struct Copy {
    std::vector<kernels::PackedMatrix> matrices;
    std::vector<kernels::PackedMatrix> experts;
  };
  struct Build;
  Copy make_copy(const std::vector<at::Tensor>& matrices, const at::Tensor& expert, const BenchFormat& format) const;
  void add_call(Build& build, const Copy& copy, int64_t num_rows, std::mt19937& random) const;
  void add_task(Build& build, const kernels::PackedMatrix& weight, int64_t num_rows) const;

  LinearShape shape_;
  at::ScalarType type_;
  std::vector<Copy> copies_;
};

}  // namespace spyhop
