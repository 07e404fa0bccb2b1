#include "cli/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace spyhop {
namespace {

std::vector<float> logs(const std::vector<double>& probabilities, double shift = 0) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p) + shift));
  return logits;
}

double kl(const std::vector<float>& p, const std::vector<float>& q) {
  return kl_divergence(p.data(), q.data(), p.size());
}

TEST(KlDivergence, IsThatOfKnownDistributions) {
  // 0.5 ln(0.5 / 0.9) + 0.5 ln(0.5 / 0.1)
  EXPECT_NEAR(kl(logs({0.5, 0.5}), logs({0.9, 0.1})), 0.5108256237659907, 1e-7);
  EXPECT_NEAR(kl(logs({0.9, 0.1}), logs({0.5, 0.5})), 0.3680642071684971, 1e-7) << "it is not symmetric";
  EXPECT_NEAR(kl(logs({0.36, 0.48, 0.16}), logs({1.0 / 3, 1.0 / 3, 1.0 / 3})), 0.0852996013183706, 1e-7);
}

TEST(KlDivergence, DoesNotDependOnWhereLogitsBegin) {
  EXPECT_NEAR(kl(logs({0.5, 0.5}, 80), logs({0.9, 0.1}, -200)), 0.5108256237659907, 1e-5);
}

TEST(KlDivergence, OfADistributionToItselfIsZero) {
  std::vector<float> logits;
  for (int i = 0; i < 129280; ++i) logits.push_back(static_cast<float>(std::sin(i) * 20));
  EXPECT_EQ(kl(logits, logits), 0.0);
}

TEST(KlDivergence, SeesSmallDifferencesAmongManyTokens) {
  const std::vector<float> even(100000, 1.0F);
  std::vector<float> other = even;
  other[7] = 1.01F;
  // ln(mean of exp(d)) - mean of d, where d is the difference.
  EXPECT_NEAR(kl(even, other), (std::exp(0.01) - 1 - 0.01) / 100000, 2e-12);
}

TEST(KlDivergence, SurvivesExtremeLogits) {
  EXPECT_NEAR(kl({0.0F, -1e30F}, {0.0F, -1e30F}), 0.0, 0.0);
  EXPECT_NEAR(kl({1000.0F, 0.0F}, {0.0F, 1000.0F}), 1000.0, 1e-9);
}

TEST(KlDivergence, IsInfiniteWhereALogitIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(kl({0.0F, 1.0F}, {0.0F, nan}), std::numeric_limits<double>::infinity());
  EXPECT_EQ(kl({std::numeric_limits<float>::infinity(), 1.0F}, {0.0F, 0.0F}), std::numeric_limits<double>::infinity());
}

TEST(GreedyToken, IsTheFirstOfTheLargest) {
  const std::vector<float> logits{0.0F, 3.0F, 1.0F, 3.0F};
  EXPECT_EQ(greedy_token(logits.data(), logits.size()), 1U);
}

TEST(SummarizeDivergence, CountsAndRanks) {
  std::vector<PositionDivergence> positions;
  for (int i = 1; i <= 101; ++i) positions.push_back({i, false, (102 - i) * 0.01, i > 1});
  const DivergenceSummary summary = summarize_divergence(positions);
  EXPECT_EQ(summary.count, 101U);
  EXPECT_NEAR(summary.mean_kl, 0.51, 1e-12);
  EXPECT_NEAR(summary.median_kl, 0.51, 1e-12);
  EXPECT_NEAR(summary.p99_kl, 1.0, 1e-12);
  EXPECT_NEAR(summary.max_kl, 1.01, 1e-12);
  EXPECT_NEAR(summary.agreement, 100.0 / 101, 1e-12);
  EXPECT_EQ(summarize_divergence({}).count, 0U);
}

}  // namespace
}  // namespace spyhop
