#include <gtest/gtest.h>

#include <cmath>

#include "../tensors.h"
#include "runtime/kernels/layer_norm.h"
#include "runtime/kernels/rms_norm.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using testing::kBf16Ulp;
using testing::max_difference;
using testing::random_tensor;
using testing::relative_difference;

TEST(RmsNorm, DividesByTheRootMeanSquare) {
  const at::Tensor x = at::tensor(std::vector<float>{3, 4, 0, 0}).view({1, 4});
  const at::Tensor weight = at::tensor(std::vector<float>{1, 2, 1, 1});
  const float scale = 1.0F / std::sqrt(25.0F / 4.0F);
  const at::Tensor expected = at::tensor(std::vector<float>{3 * scale, 8 * scale, 0, 0}).view({1, 4});
  EXPECT_LT(max_difference(kernels::rms_norm(x, weight, 0.0), expected), 1e-6);
}

TEST(RmsNorm, AgreesWithAtenForOddWidths) {
  for (const int64_t width : {1, 3, 24, 96, 129, 1280}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor x = random_tensor({37, width}, 1, type) * 3;
      const at::Tensor weight = random_tensor({width}, 2, type);
      const double tolerance = type == at::kFloat ? 1e-6 : kBf16Ulp;
      EXPECT_LT(relative_difference(kernels::rms_norm(x, weight, 1e-6), kernels::rms_norm_aten(x, weight, 1e-6)), tolerance);
    }
  }
}

TEST(RmsNorm, RoundsBeforeItMultipliesByTheWeight) {
  // 3 / sqrt(5) = 1.34164 is 1.34375 in bf16; times 1.015625 that is 1.3647, 1.3671875 in bf16. Rounded once it would
  // be 1.359375.
  const at::Tensor x = at::tensor(std::vector<float>{3, 1}).view({1, 2}).to(at::kBFloat16);
  const at::Tensor weight = at::full({2}, 1.015625F).to(at::kBFloat16);
  EXPECT_EQ(kernels::rms_norm(x, weight, 0.0)[0][0].item<float>(), 1.3671875F);
  EXPECT_EQ(kernels::rms_norm_aten(x, weight, 0.0)[0][0].item<float>(), 1.3671875F);
}

TEST(RmsNorm, TakesAViewOfWiderRows) {
  const at::Tensor wide = random_tensor({5, 40}, 3);
  const at::Tensor weight = random_tensor({24}, 4);
  const at::Tensor x = wide.narrow(1, 0, 24);
  EXPECT_LT(max_difference(kernels::rms_norm(x, weight, 1e-6), kernels::rms_norm_aten(x, weight, 1e-6)), 1e-5);
}

TEST(RmsNorm, RefusesAWeightOfAnotherWidth) {
  EXPECT_THROW(kernels::rms_norm(at::ones({2, 3}), at::ones({4}), 1e-6), Error);
}

TEST(LayerNorm, AgreesWithAten) {
  for (const int64_t width : {2, 56, 72, 1152}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor x = random_tensor({21, width}, 5, type) + 2;
      const at::Tensor weight = random_tensor({width}, 6, type);
      const at::Tensor bias = random_tensor({width}, 7, type);
      const double tolerance = type == at::kFloat ? 2e-6 : kBf16Ulp;
      const at::Tensor expected =
          at::layer_norm(x.to(at::kDouble), {width}, weight.to(at::kDouble), bias.to(at::kDouble), 1e-6);
      EXPECT_LT(relative_difference(kernels::layer_norm(x, weight, bias, 1e-6), expected), tolerance) << width;
    }
  }
}

TEST(LayerNorm, LeavesOnlyTheBiasOfAConstantRow) {
  const at::Tensor y = kernels::layer_norm(at::full({1, 8}, 5.0F), at::ones({8}), at::full({8}, 0.25F), 1e-6);
  EXPECT_LT(max_difference(y, at::full({1, 8}, 0.25F)), 1e-6);
}

}  // namespace
}  // namespace spyhop
