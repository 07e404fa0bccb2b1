// Random tensors and comparisons for tests of the runtime.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <vector>

namespace spyhop::testing {

/// Normal values, the same in every run.
inline at::Tensor random_tensor(const std::vector<int64_t>& shape, uint64_t seed, at::ScalarType type = at::kFloat) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::TensorOptions().dtype(at::kFloat)).to(type);
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes() || a.numel() == 0) return a.numel() == b.numel() ? 0 : 1e30;
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// The largest difference, as a share of the largest value of `b`.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return max_difference(a, b) / std::max(1e-30, b.to(at::kDouble).abs().max().item<double>());
}

/// One unit in the last place of bf16, relative.
constexpr double kBf16Ulp = 1.0 / 128;

}  // namespace spyhop::testing
