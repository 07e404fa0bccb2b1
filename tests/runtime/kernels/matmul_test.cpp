#include "runtime/kernels/matmul.h"

#include <gtest/gtest.h>

#include "../tensors.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using testing::kBf16Ulp;
using testing::random_tensor;
using testing::relative_difference;

at::Tensor exact(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble).unsqueeze(3) * b.to(at::kDouble).unsqueeze(1)).sum(2);
}

TEST(BatchedMatmul, MultipliesEachBatchOfManyShapes) {
  const std::vector<std::vector<int64_t>> shapes = {
      {1, 1, 1, 1}, {3, 1, 12, 40}, {2, 7, 5, 3}, {8, 16, 36, 64}, {4, 33, 20, 24}};
  for (const auto& s : shapes) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor a = random_tensor({s[0], s[1], s[2]}, 1, type);
      const at::Tensor b = random_tensor({s[0], s[2], s[3]}, 2, type);
      EXPECT_LT(relative_difference(kernels::batched_matmul(a, b), exact(a, b)), type == at::kFloat ? 2e-6 : kBf16Ulp);
    }
  }
}

TEST(BatchedMatmul, TakesTransposedAndNarrowedViewsInPlace) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const double tolerance = type == at::kFloat ? 2e-6 : kBf16Ulp;
    const at::Tensor heads_inside = random_tensor({9, 4, 24}, 3, type);      // [tokens, heads, dim]
    const at::Tensor a = heads_inside.narrow(2, 4, 20).transpose(0, 1);      // [heads, tokens, 20]
    const at::Tensor weight = random_tensor({4, 36, 20}, 4, type);           // per head: [rows, 20]
    const at::Tensor transposed = weight.narrow(1, 16, 20).transpose(1, 2);  // [heads, 20, 20]
    EXPECT_LT(relative_difference(kernels::batched_matmul(a, transposed), exact(a, transposed)), tolerance);
    const at::Tensor plain = weight.narrow(1, 0, 20);
    EXPECT_LT(relative_difference(kernels::batched_matmul(a, plain), exact(a, plain)), tolerance);
    const at::Tensor scattered = random_tensor({4, 20, 2, 6}, 5, type).select(2, 1).slice(2, 0, 6, 2);  // no unit stride
    EXPECT_LT(relative_difference(kernels::batched_matmul(a, scattered), exact(a, scattered)), tolerance);
  }
}

TEST(BatchedMatmul, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(kernels::batched_matmul(at::ones({2, 3, 4}), at::ones({2, 5, 6})), Error);
  EXPECT_THROW(kernels::batched_matmul(at::ones({2, 3, 4}), at::ones({3, 4, 6})), Error);
  EXPECT_THROW(kernels::batched_matmul(at::ones({2, 3, 4}), at::ones({2, 4, 6}).to(at::kBFloat16)), Error);
}

TEST(PaddedRows, AreFewAndNeverFewerThanAsked) {
  std::vector<int64_t> distinct;
  for (int64_t rows = 1; rows <= 512; ++rows) {
    const int64_t padded = kernels::padded_rows(rows);
    ASSERT_GE(padded, rows);
    ASSERT_LE(padded, rows + std::max<int64_t>(7, rows / 4));
    if (distinct.empty() || distinct.back() != padded) distinct.push_back(padded);
  }
  EXPECT_LT(distinct.size(), 40U);
  EXPECT_EQ(kernels::padded_rows(1), 1);
  EXPECT_EQ(kernels::padded_rows(48), 48);
  EXPECT_EQ(kernels::padded_rows(49), 56);
  EXPECT_EQ(kernels::padded_rows(729), 729);
}

}  // namespace
}  // namespace spyhop
