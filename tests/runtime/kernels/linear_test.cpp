#include "runtime/kernels/linear.h"

#include <gtest/gtest.h>

#include "../tensors.h"
#include "runtime/kernels/gemv.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using testing::kBf16Ulp;
using testing::random_tensor;
using testing::relative_difference;

/// The plain triple loop, in double.
at::Tensor naive(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor a = x.to(at::kDouble);
  const at::Tensor w = weight.to(at::kDouble);
  at::Tensor y = at::zeros({x.size(0), weight.size(0)}, at::kDouble);
  const auto in = a.accessor<double, 2>();
  const auto rows = w.accessor<double, 2>();
  auto out = y.accessor<double, 2>();
  for (int64_t i = 0; i < x.size(0); ++i) {
    for (int64_t o = 0; o < weight.size(0); ++o) {
      for (int64_t k = 0; k < x.size(1); ++k) out[i][o] += in[i][k] * rows[o][k];
    }
  }
  return bias.defined() ? y + bias.to(at::kDouble) : y;
}

struct Shape {
  int64_t rows, in, out;
};

const std::vector<Shape> kShapes = {{1, 1, 1},    {1, 7, 3},    {1, 96, 208}, {1, 257, 130}, {2, 64, 64},  {3, 33, 5},
                                    {4, 100, 17}, {5, 40, 96},  {7, 13, 9},   {8, 128, 64},  {9, 72, 216}, {17, 588, 72},
                                    {31, 36, 80}, {64, 24, 36}, {65, 56, 31}, {100, 44, 1},  {257, 20, 8}, {300, 1, 16}};

TEST(Linear, EqualsTheTripleLoopInF32ForManyShapes) {
  for (const Shape& shape : kShapes) {
    const at::Tensor x = random_tensor({shape.rows, shape.in}, 1);
    const at::Tensor weight = random_tensor({shape.out, shape.in}, 2);
    const at::Tensor bias = random_tensor({shape.out}, 3);
    EXPECT_LT(relative_difference(kernels::linear(x, weight), naive(x, weight, {})), 2e-6) << shape.rows << " " << shape.in;
    EXPECT_LT(relative_difference(kernels::linear(x, weight, bias), naive(x, weight, bias)), 2e-6)
        << shape.rows << " " << shape.in;
  }
}

TEST(Linear, EqualsTheTripleLoopInBf16UpToOneRounding) {
  for (const Shape& shape : kShapes) {
    const at::Tensor x = random_tensor({shape.rows, shape.in}, 4, at::kBFloat16);
    const at::Tensor weight = random_tensor({shape.out, shape.in}, 5, at::kBFloat16);
    const at::Tensor bias = random_tensor({shape.out}, 6, at::kBFloat16);
    EXPECT_LT(relative_difference(kernels::linear(x, weight, bias), naive(x, weight, bias)), kBf16Ulp)
        << shape.rows << " " << shape.in;
    EXPECT_LT(relative_difference(kernels::linear_upcast(x, weight, bias), naive(x, weight, bias)), kBf16Ulp);
    EXPECT_LT(relative_difference(kernels::linear_aten(x, weight, bias), naive(x, weight, bias)), kBf16Ulp);
  }
}

TEST(Linear, TakesRowsThatAreNotContiguous) {
  const at::Tensor wide = random_tensor({20, 50}, 7);
  const at::Tensor weight = random_tensor({9, 30}, 8);
  const at::Tensor x = wide.narrow(1, 10, 30);
  EXPECT_LT(relative_difference(kernels::linear(x, weight), naive(x, weight, {})), 2e-6);
  EXPECT_LT(relative_difference(kernels::linear(x.narrow(0, 0, 2), weight), naive(x.narrow(0, 0, 2), weight, {})), 2e-6);
}

TEST(Linear, ARowsResultDoesNotDependOnTheOthersBeyondRounding) {
  const at::Tensor x = random_tensor({40, 96}, 9);
  const at::Tensor weight = random_tensor({64, 96}, 10);
  const at::Tensor together = kernels::linear(x, weight);
  for (const int64_t row : {0, 13, 39}) {
    EXPECT_LT(relative_difference(together.narrow(0, row, 1), kernels::linear(x.narrow(0, row, 1), weight)), 2e-6);
  }
}

TEST(Linear, GivesNoRowsForNoRows) {
  EXPECT_EQ(kernels::linear(at::empty({0, 8}), at::ones({5, 8})).sizes(), (std::vector<int64_t>{0, 5}));
}

TEST(Linear, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(kernels::linear(at::ones({2, 3}), at::ones({4, 5})), Error);
  EXPECT_THROW(kernels::linear(at::ones({2, 3}), at::ones({4, 3}), at::ones({5})), Error);
  EXPECT_THROW(kernels::linear(at::ones({2, 3}), at::ones({4, 3}).to(at::kBFloat16)), Error);
}

TEST(Gemv, RunsTasksOfDifferentShapesTogether) {
  std::vector<kernels::GemvTask> tasks;
  std::vector<at::Tensor> expected;
  const std::vector<Shape> shapes = {{1, 40, 7}, {4, 96, 130}, {2, 5, 1}, {3, 64, 64}, {1, 1280, 896}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    const at::Tensor x = random_tensor({shapes[i].rows, shapes[i].in}, 20 + i);
    const at::Tensor weight = random_tensor({shapes[i].out, shapes[i].in}, 30 + i);
    expected.push_back(naive(x, weight, {}));
    tasks.push_back({x, weight, {}, at::empty({shapes[i].rows, shapes[i].out})});
  }
  kernels::gemv(tasks);
  for (size_t i = 0; i < tasks.size(); ++i) EXPECT_LT(relative_difference(tasks[i].y, expected[i]), 2e-6) << i;
}

TEST(Gemv, RefusesMoreRowsThanItIsMadeFor) {
  const int64_t rows = kernels::kMaxGemvRows + 1;
  EXPECT_THROW(kernels::gemv({{at::ones({rows, 4}), at::ones({3, 4}), {}, at::empty({rows, 3})}}), Error);
  EXPECT_NO_THROW(kernels::gemv({}));
}

}  // namespace
}  // namespace spyhop
