#include "runtime/kernels/logits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "every_instruction_set.h"

namespace spyhop {
namespace {

using kernels::kLogitBlock;
using kernels::logit_kernels;
using kernels::LogitKernels;
using testing::for_every_instruction_set;

const float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();
const std::vector<int64_t> kCounts = {1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1000, 4096, 12345};

std::vector<float> random_logits(int64_t count, uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 4);
  std::vector<float> logits(static_cast<size_t>(count));
  for (float& logit : logits) logit = normal(generator);
  return logits;
}

/// With NaN, infinities and zeros of both signs among them.
std::vector<float> spoilt_logits(int64_t count) {
  std::vector<float> logits = random_logits(count, 2);
  const std::vector<float> odd = {kNan, -kInfinity, 0.0F, -0.0F, 1e-42F, -3e38F, -200.0F};
  for (size_t i = 0; i < logits.size(); i += 5) logits[i] = odd[i / 5 % odd.size()];
  return logits;
}

std::vector<double> blocks_for(int64_t count) {
  return std::vector<double>(static_cast<size_t>(kernels::num_logit_blocks(count)));
}

struct Shares {
  std::vector<float> values;
  std::vector<double> block_sums;
};

Shares shares_by(const LogitKernels& passes, const std::vector<float>& logits, const kernels::ShareScale& scale) {
  const int64_t count = static_cast<int64_t>(logits.size());
  Shares shares{std::vector<float>(logits.size()), blocks_for(count)};
  passes.shares(logits.data(), count, scale, shares.values.data(), shares.block_sums.data());
  return shares;
}

TEST(LogitKernels, TheMaximumOfEachBlockAndOfAllIgnoresNan) {
  for_every_instruction_set([] {
    for (const int64_t count : kCounts) {
      const std::vector<float> logits = spoilt_logits(count);
      std::vector<float> blocks(blocks_for(count).size());
      const float best = logit_kernels().maximum(logits.data(), count, blocks.data());
      std::vector<float> expected(blocks.size(), -kInfinity);
      for (size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > expected[i / kLogitBlock]) expected[i / kLogitBlock] = logits[i];
      }
      EXPECT_EQ(blocks, expected) << count;
      EXPECT_EQ(best, *std::max_element(expected.begin(), expected.end())) << count;
    }
  });
}

TEST(LogitKernels, SharesAreExponentialsWithinAFewUnitsInTheLastPlace) {
  for_every_instruction_set([] {
    for (const float temperature : {1.0F, 0.7F, 2.0F, 1e-3F}) {
      const std::vector<float> logits = random_logits(12345);
      const float best = *std::max_element(logits.begin(), logits.end()) / temperature;
      const Shares shares = shares_by(logit_kernels(), logits, {temperature, best});
      double sum = 0;
      for (size_t i = 0; i < logits.size(); ++i) {
        const double expected = std::exp(static_cast<double>(logits[i] / temperature - best));
        EXPECT_NEAR(shares.values[i], expected, 3e-7 * expected + 1.3e-38) << logits[i];  // less than the latter becomes 0
        sum += shares.values[i];
      }
      double of_blocks = 0;
      for (const double block : shares.block_sums) of_blocks += block;
      EXPECT_NEAR(of_blocks, sum, 1e-12 * sum);
    }
  });
}

TEST(LogitKernels, WhatIsNotANumberOrFarBelowHasNoShareAndTheBestHasOne) {
  for_every_instruction_set([] {
    const std::vector<float> logits = {kNan, -kInfinity, 5.0F, -3e38F, -100.0F, 5.0F};
    EXPECT_THAT(shares_by(logit_kernels(), logits, {1.0F, 5.0F}).values, ::testing::ElementsAre(0, 0, 1, 0, 0, 1));
  });
}

TEST(LogitKernels, AllInstructionSetsGiveTheSameBits) {
  for (const int64_t count : kCounts) {
    const std::vector<float> logits = spoilt_logits(count);
    const Shares expected = shares_by(kernels::kPortableLogitKernels, logits, {0.7F, 20.0F});
    const std::array<float, kernels::kNumThresholds> thresholds = {0.0F, 1e-12F, 1e-5F, 0.5F};
    std::array<double, kernels::kNumThresholds> expected_below;
    kernels::kPortableLogitKernels.sums_below(expected.values.data(), count, thresholds.data(), expected_below.data());
    for_every_instruction_set([&] {
      const Shares shares = shares_by(logit_kernels(), logits, {0.7F, 20.0F});
      EXPECT_EQ(shares.values, expected.values) << count;
      EXPECT_EQ(shares.block_sums, expected.block_sums) << count;

      std::vector<double> sums = blocks_for(count);
      logit_kernels().shares(logits.data(), count, {0.7F, 20.0F}, nullptr, sums.data());
      EXPECT_EQ(sums, expected.block_sums) << count;
      logit_kernels().sum_blocks(shares.values.data(), count, sums.data());
      EXPECT_EQ(sums, expected.block_sums) << count;

      std::array<double, kernels::kNumThresholds> below;
      logit_kernels().sums_below(shares.values.data(), count, thresholds.data(), below.data());
      EXPECT_EQ(below, expected_below) << count;
    });
  }
}

TEST(LogitKernels, SumsOnlyWhatIsBelowTheThreshold) {
  for_every_instruction_set([] {
    std::vector<float> values(300, 0.25F);
    values[7] = 0.5F;
    values[299] = 1.0F;
    const std::array<float, kernels::kNumThresholds> thresholds = {0.25F, 0.5F, 0.75F, 2.0F};
    std::array<double, kernels::kNumThresholds> sums;
    logit_kernels().sums_below(values.data(), 300, thresholds.data(), sums.data());
    EXPECT_THAT(sums, ::testing::ElementsAre(0, 74.5, 75, 76));
  });
}

TEST(LogitKernels, CollectsARangeInOrderAlsoInPlace) {
  for_every_instruction_set([] {
    for (const int64_t count : kCounts) {
      const std::vector<float> values = spoilt_logits(count);
      for (const kernels::ValueRange range : {kernels::ValueRange{-1, 2}, {-kInfinity, kInfinity}, {9, 30}, {0, 0}, {1, -1}}) {
        std::vector<int32_t> expected;
        std::vector<float> expected_values;
        for (size_t i = 0; i < values.size(); ++i) {
          if (!(values[i] >= range.least && values[i] <= range.most)) continue;
          expected.push_back(static_cast<int32_t>(i));
          expected_values.push_back(values[i]);
        }
        std::vector<int32_t> positions(values.size());
        std::vector<float> found = values;
        const int64_t num_found = logit_kernels().collect(found.data(), count, range, positions.data(), found.data());
        ASSERT_EQ(num_found, static_cast<int64_t>(expected.size())) << count << ", from " << range.least;
        positions.resize(expected.size());
        found.resize(expected.size());
        EXPECT_EQ(positions, expected);
        EXPECT_EQ(found, expected_values);
      }
    }
  });
}

}  // namespace
}  // namespace spyhop
