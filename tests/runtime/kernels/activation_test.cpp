#include "runtime/kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../tensors.h"
#include "runtime/kernels/simd.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using testing::kBf16Ulp;
using testing::max_difference;
using testing::random_tensor;
using testing::relative_difference;

TEST(ExpApprox, StaysWithinTwoUnitsInTheLastPlace) {
  for (float x = -87.0F; x < 88.0F; x += 0.0137F) {
    const double exact = std::exp(static_cast<double>(x));
    EXPECT_NEAR(simd::exp_approx(x) / exact, 1.0, 2.4e-7) << x;
  }
  EXPECT_EQ(simd::exp_approx(0.0F), 1.0F);
  EXPECT_EQ(simd::exp_approx(-1000.0F), 0.0F);
  EXPECT_EQ(simd::exp_approx(-std::numeric_limits<float>::infinity()), 0.0F);
  EXPECT_GT(simd::exp_approx(1000.0F), 1e38F);
  EXPECT_TRUE(std::isnan(simd::exp_approx(std::nanf(""))));
}

TEST(Bf16, RoundsToNearestEvenAsAtenDoes) {
  const at::Tensor values = random_tensor({100000}, 1) * 1e3;
  const at::Tensor expected = values.to(at::kBFloat16).to(at::kFloat);
  const float* const in = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i)
    ASSERT_EQ(simd::rounded<simd::Bf16>(in[i]), expected.data_ptr<float>()[i]) << in[i];
  EXPECT_EQ(simd::rounded<simd::Bf16>(1.00390625F), 1.0F);       // half way, to even
  EXPECT_EQ(simd::rounded<simd::Bf16>(1.01171875F), 1.015625F);  // half way, to even
  EXPECT_TRUE(std::isnan(simd::rounded<simd::Bf16>(std::nanf(""))));
  EXPECT_TRUE(std::isinf(simd::rounded<simd::Bf16>(std::numeric_limits<float>::infinity())));
}

TEST(SiluMul, AgreesWithAten) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor gate = (random_tensor({13, 40}, 2) * 6).to(type);
    const at::Tensor up = random_tensor({13, 40}, 3, type);
    const double tolerance = type == at::kFloat ? 1e-6 : kBf16Ulp;
    EXPECT_LT(relative_difference(kernels::silu_mul(gate, up), kernels::silu_mul_aten(gate, up)), tolerance);
  }
}

TEST(SiluMul, RefusesTensorsOfDifferentShapes) {
  EXPECT_THROW(kernels::silu_mul(at::ones({2, 3}), at::ones({3, 2})), Error);
}

TEST(GeluTanh, IsTheTanhApproximationAndNotTheExactOne) {
  const at::Tensor x = at::linspace(-8, 8, 4001);
  const at::Tensor wide = x.to(at::kDouble);
  const at::Tensor expected = 0.5 * wide * (1 + at::tanh(std::sqrt(2 / M_PI) * (wide + 0.044715 * wide.pow(3))));
  EXPECT_LT(max_difference(kernels::gelu_tanh(x), expected), 1e-6);
  EXPECT_LT(max_difference(kernels::gelu_tanh_aten(x), expected), 1e-6);
  EXPECT_GT(max_difference(kernels::gelu_tanh(x), kernels::gelu_erf(x)), 1e-4);
  EXPECT_LT(relative_difference(kernels::gelu_tanh(x.to(at::kBFloat16)), kernels::gelu_tanh_aten(x.to(at::kBFloat16))),
            kBf16Ulp);
}

TEST(GeluErf, UsesTheErrorFunction) {
  const at::Tensor x = at::tensor(std::vector<float>{-1.0F, 0.0F, 2.0F});
  const auto exact = [](double v) { return static_cast<float>(0.5 * v * (1 + std::erf(v / std::sqrt(2.0)))); };
  EXPECT_LT(max_difference(kernels::gelu_erf(x), at::tensor(std::vector<float>{exact(-1), 0, exact(2)})), 1e-6);
}

}  // namespace
}  // namespace spyhop
