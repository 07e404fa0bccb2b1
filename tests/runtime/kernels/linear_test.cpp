#include "runtime/kernels/linear.h"

#include <gtest/gtest.h>

#include "../tensors.h"
#include "every_instruction_set.h"
#include "runtime/kernels/activation.h"
#include "runtime/thread_pool.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using kernels::PackedMatrix;
using testing::for_every_instruction_set;
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
  for_every_instruction_set([] {
    for (const Shape& shape : kShapes) {
      const at::Tensor x = random_tensor({shape.rows, shape.in}, 1);
      const at::Tensor weight = random_tensor({shape.out, shape.in}, 2);
      const at::Tensor bias = random_tensor({shape.out}, 3);
      const PackedMatrix packed(weight);
      EXPECT_LT(relative_difference(kernels::linear(x, packed), naive(x, weight, {})), 3e-6) << shape.rows << " " << shape.in;
      EXPECT_LT(relative_difference(kernels::linear(x, packed, bias), naive(x, weight, bias)), 3e-6)
          << shape.rows << " " << shape.in;
    }
  });
}

TEST(Linear, EqualsTheTripleLoopInBf16UpToOneRounding) {
  for_every_instruction_set([] {
    for (const Shape& shape : kShapes) {
      const at::Tensor x = random_tensor({shape.rows, shape.in}, 4, at::kBFloat16);
      const at::Tensor weight = random_tensor({shape.out, shape.in}, 5, at::kBFloat16);
      const at::Tensor bias = random_tensor({shape.out}, 6, at::kBFloat16);
      const at::Tensor expected = naive(x, weight, bias);
      EXPECT_LT(relative_difference(kernels::linear(x, PackedMatrix(weight), bias), expected), kBf16Ulp)
          << shape.rows << " " << shape.in;
      EXPECT_LT(relative_difference(kernels::linear_aten(x, weight, bias), expected), kBf16Ulp);
    }
  });
}

TEST(Linear, WithAnActivationIsTheActivationOfTheRoundedProduct) {
  for_every_instruction_set([] {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      for (const int64_t out : {64, 70}) {
        const at::Tensor x = random_tensor({17, 96}, 9, type) * 3;
        const PackedMatrix weight(random_tensor({out, 96}, 10, type));
        const at::Tensor bias = random_tensor({out}, 11, type);
        const at::Tensor expected = kernels::gelu_tanh_aten(kernels::linear(x, weight, bias).to(at::kFloat));
        const at::Tensor result = kernels::linear(x, weight, bias, kernels::Activation::kGeluTanh);
        EXPECT_LT(relative_difference(result, expected), type == at::kFloat ? 1e-6 : kBf16Ulp);
      }
    }
  });
}

TEST(Linear, ARowsBitsDoNotDependOnTheOthersNorOnTheThreads) {
  for_every_instruction_set([] {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor x = random_tensor({70, 384}, 9, type);
      const PackedMatrix weight(random_tensor({200, 384}, 10, type));
      const at::Tensor together = kernels::linear(x, weight);
      ThreadPool pool(3);
      const UsePool use_pool(pool);
      EXPECT_TRUE(at::equal(together, kernels::linear(x, weight)));
      for (const int64_t count : {1, 2, 5, 11, 12, 13, 25}) {
        for (int64_t first = 0; first + count <= 70; first += 19) {
          EXPECT_TRUE(at::equal(together.narrow(0, first, count), kernels::linear(x.narrow(0, first, count), weight)))
              << first << " " << count;
        }
      }
    }
  });
}

TEST(Linear, TakesRowsThatAreApartAndWeightsAtAnyStride) {
  const at::Tensor wide = random_tensor({20, 50}, 7);
  const at::Tensor weight = random_tensor({30, 9}, 8);
  const at::Tensor x = wide.narrow(1, 10, 30);
  const at::Tensor y = kernels::linear(x, PackedMatrix(weight.transpose(0, 1)));
  EXPECT_TRUE(at::equal(y, kernels::linear(x.contiguous(), PackedMatrix(weight.transpose(0, 1).contiguous()))));
  EXPECT_LT(relative_difference(y, naive(x, weight.transpose(0, 1).contiguous(), {})), 2e-6);
}

TEST(Linear, WhatStandsBehindAnOddRowHasNoPart) {
  at::Tensor wide = random_tensor({4, 8}, 11, at::kBFloat16);
  wide.select(1, 7).fill_(std::numeric_limits<float>::infinity());
  const at::Tensor x = wide.narrow(1, 0, 7);
  const at::Tensor weight = random_tensor({5, 7}, 12, at::kBFloat16);
  EXPECT_LT(relative_difference(kernels::linear(x, PackedMatrix(weight)), naive(x, weight, {})), kBf16Ulp);
}

TEST(Linear, AGatedWeightGivesTheBitsOfTheSeparateSteps) {
  for_every_instruction_set([] {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      for (const Shape& shape : std::vector<Shape>{{1, 64, 40}, {5, 96, 16}, {30, 40, 100}}) {
        const at::Tensor x = random_tensor({shape.rows, shape.in}, 13, type);
        const at::Tensor gate = random_tensor({shape.out, shape.in}, 14, type) * 0.2;
        const at::Tensor up = random_tensor({shape.out, shape.in}, 15, type);
        const at::Tensor expected =
            kernels::silu_mul(kernels::linear(x, PackedMatrix(gate)), kernels::linear(x, PackedMatrix(up)));
        const at::Tensor fused = kernels::linear(x, PackedMatrix::gated(gate, up));
        // The compiler may fuse other multiplications and additions of exp in the two loops.
        EXPECT_LT(relative_difference(fused, expected), type == at::kFloat ? 1e-6 : kBf16Ulp);
      }
    }
  });
}

TEST(Linear, RunsTasksOfDifferentShapesTogether) {
  const std::vector<Shape> shapes = {{1, 40, 7}, {4, 96, 130}, {0, 8, 8}, {2, 5, 1}, {30, 64, 64}, {1, 1280, 896}};
  std::vector<at::Tensor> xs, expected, ys;
  std::vector<PackedMatrix> weights;
  for (size_t i = 0; i < shapes.size(); ++i) {
    xs.push_back(random_tensor({shapes[i].rows, shapes[i].in}, 20 + i));
    const at::Tensor weight = random_tensor({shapes[i].out, shapes[i].in}, 30 + i);
    expected.push_back(naive(xs.back(), weight, {}));
    weights.emplace_back(weight);
    ys.push_back(at::empty({shapes[i].rows, shapes[i].out}));
  }
  std::vector<kernels::LinearTask> tasks;
  for (size_t i = 0; i < shapes.size(); ++i) tasks.push_back(kernels::linear_task(xs[i], weights[i], ys[i]));
  ThreadPool pool(3);
  const UsePool use_pool(pool);
  kernels::linear(tasks);
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (shapes[i].rows == 0) continue;
    EXPECT_LT(relative_difference(ys[i], expected[i]), 2e-6) << i;
  }
  EXPECT_NO_THROW(kernels::linear(std::vector<kernels::LinearTask>{}));
}

TEST(Linear, GivesNoRowsForNoRows) {
  EXPECT_EQ(kernels::linear(at::empty({0, 8}), PackedMatrix(at::ones({5, 8}))).sizes(), (std::vector<int64_t>{0, 5}));
}

TEST(Linear, RefusesShapesThatDoNotFit) {
  const PackedMatrix weight(at::ones({4, 3}));
  EXPECT_THROW(kernels::linear(at::ones({2, 5}), weight), Error);
  EXPECT_THROW(kernels::linear(at::ones({2, 3}), weight, at::ones({5})), Error);
  EXPECT_THROW(kernels::linear(at::ones({2, 3}).to(at::kBFloat16), weight), Error);
  EXPECT_THROW(PackedMatrix::gated(at::ones({4, 3}), at::ones({4, 4})), Error);
  EXPECT_THROW(PackedMatrix(at::ones({4, 3}).to(at::kDouble)), Error);
}

TEST(InstructionSet, RefusesNamesThatDoNotExistAndSaysWhichDo) {
  try {
    kernels::force_instruction_set("avx1024");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("instruction set is \"avx1024\"; this machine has: auto, portable", 0), 0U);
  }
}

}  // namespace
}  // namespace spyhop
