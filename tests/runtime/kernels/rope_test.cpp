#include "runtime/kernels/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "../tensors.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using kernels::apply_rope;
using kernels::apply_rope_aten;
using kernels::make_rope_table;
using kernels::RopePairs;
using kernels::RopeTable;
using testing::max_difference;
using testing::random_tensor;

RopeTable table_at(const std::vector<int64_t>& positions, int dim, at::ScalarType type = at::kFloat) {
  return make_rope_table(at::tensor(positions, at::kLong), dim, 10000.0, type);
}

TEST(Rope, TurnsEachPairByPositionTimesItsFrequency) {
  const at::Tensor x = random_tensor({2, 1, 4}, 1);
  for (const RopePairs pairs : {RopePairs::kHalfSplit, RopePairs::kInterleaved}) {
    at::Tensor y = x.clone();
    apply_rope(y, table_at({3, 700}, 4), pairs);
    for (const int64_t token : {0, 1}) {
      for (int i = 0; i < 2; ++i) {
        const double angle = (token == 0 ? 3.0 : 700.0) * std::pow(10000.0, -i / 2.0);
        const int64_t first = pairs == RopePairs::kHalfSplit ? i : 2 * i;
        const int64_t second = pairs == RopePairs::kHalfSplit ? i + 2 : 2 * i + 1;
        const double a = x[token][0][first].item<double>();
        const double b = x[token][0][second].item<double>();
        // f32 angles near 700 are off by up to 3e-5.
        EXPECT_NEAR(y[token][0][first].item<double>(), a * std::cos(angle) - b * std::sin(angle), 1e-4);
        EXPECT_NEAR(y[token][0][second].item<double>(), b * std::cos(angle) + a * std::sin(angle), 1e-4);
      }
    }
  }
}

TEST(Rope, AnAngleDoesNotDependOnThePlaceOfItsTokenInAStep) {
  std::vector<int64_t> positions(4000);
  std::iota(positions.begin(), positions.end(), int64_t{0});
  const RopeTable all = table_at(positions, 12);
  for (const int64_t position : positions) {
    const RopeTable one = table_at({position}, 12);
    ASSERT_TRUE(at::equal(one.cos[0], all.cos[position])) << position;
    ASSERT_TRUE(at::equal(one.sin[0], all.sin[position])) << position;
  }
}

TEST(Rope, AgreesWithAtenInBothTypesOnViews) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const RopePairs pairs : {RopePairs::kHalfSplit, RopePairs::kInterleaved}) {
      const at::Tensor wide = random_tensor({40, 5, 36}, 2, type);
      std::vector<int64_t> positions(40);
      for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int64_t>(i * i);
      at::Tensor ours = wide.clone();
      at::Tensor expected = wide.clone();
      apply_rope(ours.narrow(2, 24, 12), table_at(positions, 12, type), pairs);
      apply_rope_aten(expected.narrow(2, 24, 12), table_at(positions, 12, type), pairs);
      EXPECT_LT(max_difference(ours, expected), type == at::kFloat ? 1e-6 : 1e-9);  // bf16 rounds the same way: bit-equal
      EXPECT_TRUE(at::equal(ours.narrow(2, 0, 24), wide.narrow(2, 0, 24)));
    }
  }
}

TEST(Rope, KeepsPositionsApartBeyondWhatBf16CanCount) {
  // Positions made in bf16 would make 4094 and 4095 the same.
  const RopeTable table = table_at({4094, 4095}, 8, at::kBFloat16);
  EXPECT_NE(table.cos[0][0].item<float>(), table.cos[1][0].item<float>());
  EXPECT_NEAR(table.cos[1][0].item<double>(), std::cos(4095.0), 0.004);
  EXPECT_EQ(table.cos.scalar_type(), at::kBFloat16);
}

TEST(Rope, RefusesATableThatDoesNotFit) {
  EXPECT_THROW(apply_rope(at::ones({2, 1, 8}), table_at({0, 1}, 4), RopePairs::kHalfSplit), Error);
  EXPECT_THROW(apply_rope(at::ones({3, 1, 4}), table_at({0, 1}, 4), RopePairs::kHalfSplit), Error);
}

}  // namespace
}  // namespace spyhop
