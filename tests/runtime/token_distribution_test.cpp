#include "runtime/token_distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::ElementsAre;

constexpr size_t kVocabSize = 5003;  // no multiple of any block
const float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

/// Shares that differ by less are equal, and sums that come as close to the border are at it: exponentials in f32 are no
/// better.
constexpr double kTolerance = 1e-5;

/// The definition in f64, with everything sorted.
struct Reference {
  std::vector<double> probabilities;  // 0 for what is dropped
  std::vector<bool> open;             // so near the border that either is right
};

class ReferenceFilters {
 public:
  ReferenceFilters(const std::vector<float>& logits, const SamplingParams& params)
      : shares_(logits.size()), open_(logits.size(), false) {
    const float temperature = static_cast<float>(params.temperature);
    std::vector<float> scaled = logits;
    for (float& logit : scaled) logit = std::isnan(logit) ? -kInfinity : logit / temperature;
    const float best = *std::max_element(scaled.begin(), scaled.end());
    for (size_t i = 0; i < scaled.size(); ++i) shares_[i] = std::exp(double{scaled[i]} - double{best});
    if (params.top_k > 0 && static_cast<size_t>(params.top_k) < scaled.size()) keep_top_k(scaled, params.top_k);
    if (params.top_p < 1) keep_top_p(params.top_p);
    for (size_t i = 0; i < shares_.size(); ++i) {
      open_[i] = open_[i] || std::abs(shares_[i] - params.min_p) < kTolerance * params.min_p;
      if (shares_[i] < params.min_p) shares_[i] = 0;
    }
  }

  Reference result() const {
    const double sum = std::accumulate(shares_.begin(), shares_.end(), 0.0);
    Reference reference{shares_, open_};
    for (double& share : reference.probabilities) share /= sum;
    return reference;
  }

 private:
  void keep_top_k(const std::vector<float>& scaled, int k) {
    std::vector<float> sorted = scaled;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (size_t i = 0; i < scaled.size(); ++i) {
      if (scaled[i] < sorted[static_cast<size_t>(k) - 1]) shares_[i] = 0;
    }
  }

  void keep_top_p(double top_p) {
    std::vector<size_t> order(shares_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t best = static_cast<size_t>(std::max_element(shares_.begin(), shares_.end()) - shares_.begin());
    std::swap(order[best], order.back());
    std::sort(order.begin(), order.end() - 1,
              [&](size_t a, size_t b) { return shares_[a] != shares_[b] ? shares_[a] < shares_[b] : a < b; });
    const double sum = std::accumulate(shares_.begin(), shares_.end(), 0.0);
    const double mass = (1 - top_p) * sum;
    std::vector<double> running(shares_.size());
    double before = 0;
    double border = 1;
    for (const size_t i : order) {
      before += shares_[i];
      running[i] = before;
      if (before > mass) border = std::min(border, shares_[i]);
    }
    for (const size_t i : order) {
      if (i == best) continue;
      const double tolerance = kTolerance * mass + 1e-15 * sum;
      open_[i] = std::abs(running[i] - mass) < tolerance || std::abs(shares_[i] - border) < kTolerance * border;
      if (running[i] <= mass) shares_[i] = 0;
    }
  }

  std::vector<double> shares_;
  std::vector<bool> open_;
};

struct Row {
  std::string name;
  std::vector<float> logits;
};

std::vector<Row> rows() {
  std::mt19937 generator(11);
  std::normal_distribution<float> normal(0, 1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<Row> result;
  const auto add = [&](const std::string& name, const std::function<float(size_t)>& logit) {
    result.push_back({name, std::vector<float>(kVocabSize)});
    for (size_t i = 0; i < kVocabSize; ++i) result.back().logits[i] = logit(i);
  };
  add("normal", [&](size_t) { return normal(generator); });
  add("wide normal", [&](size_t) { return 4 * normal(generator); });
  add("uniform", [&](size_t) { return 5 * uniform(generator); });
  add("some far ahead", [&](size_t i) { return normal(generator) + (i % 1001 == 7 ? 9.0F : 0.0F); });
  add("one far ahead", [&](size_t i) { return normal(generator) + (i == 4711 ? 40.0F : 0.0F); });
  add("all equal", [](size_t) { return -3.5F; });
  add("on a grid", [&](size_t) { return std::round(20 * uniform(generator)) / 4; });
  add("two values", [](size_t i) { return i % 3 == 0 ? 1.0F : 0.0F; });
  add("hardly different", [&](size_t) { return 1 + 1e-6F * uniform(generator); });
  add("a crowd far below", [&](size_t i) { return i < 3 ? 0.0F : -9 + 1e-5F * uniform(generator); });
  add("rising", [](size_t i) { return 1e-3F * static_cast<float>(i); });
  add("falling", [](size_t i) { return -1e-3F * static_cast<float>(i); });
  add("one possible", [](size_t i) { return i == 4000 ? -7.0F : -kInfinity; });
  add("two possible", [](size_t i) { return i % 4000 == 5 ? 7.0F : -kInfinity; });
  add("half not numbers", [&](size_t i) { return i % 2 == 0 ? kNan : 2 * normal(generator); });
  add("huge range", [&](size_t) { return 1e38F * uniform(generator); });
  add("denormal", [&](size_t) { return 1e-40F * uniform(generator); });
  return result;
}

SamplingParams params_of(double temperature, double top_p, int top_k = 0, double min_p = 0) {
  SamplingParams params;
  params.temperature = temperature;
  params.top_p = top_p;
  params.top_k = top_k;
  params.min_p = min_p;
  return params;
}

const std::vector<SamplingParams>& all_params() {
  static const std::vector<SamplingParams> params = {
      params_of(1, 1),
      params_of(0.5, 1),
      params_of(2, 1),
      params_of(1, 0.9),
      params_of(0.7, 0.95),
      params_of(1.5, 0.5),
      params_of(1, 0.01),
      params_of(1, 1e-9),
      params_of(1, 0.9999),
      params_of(1, 1 - 1e-12),
      params_of(1, 1, 1),
      params_of(1.3, 1, 20),
      params_of(0.6, 1, 300),
      params_of(1, 1, 5002),
      params_of(1, 1, 100000),
      params_of(0.8, 0.9, 40),
      params_of(1, 0.3, 3000),
      params_of(1, 1, 0, 0.05),
      params_of(1, 1, 0, 1),
      params_of(0.7, 0.95, 0, 0.1),
      params_of(1, 0.2, 0, 0.9),
      params_of(1, 0.9, 50, 0.2),
      params_of(0.001, 0.9999, 10),
  };
  return params;
}

std::string name_of(const Row& row, const SamplingParams& params) {
  return row.name + ", temperature " + std::to_string(params.temperature) + ", top_p " + std::to_string(params.top_p) +
         ", top_k " + std::to_string(params.top_k) + ", min_p " + std::to_string(params.min_p);
}

std::vector<int32_t> kept_of(const std::vector<float>& logits, const SamplingParams& params) {
  const LogitRow row(logits.data(), static_cast<int64_t>(logits.size()));
  const std::vector<float> probabilities = TokenDistribution(row, params).probabilities();
  std::vector<int32_t> ids;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] > 0) ids.push_back(static_cast<int32_t>(i));
  }
  return ids;
}

TEST(TokenDistribution, HasTheProbabilitiesOfAFullSort) {
  for (const Row& row : rows()) {
    for (const SamplingParams& params : all_params()) {
      SCOPED_TRACE(name_of(row, params));
      if (!std::isfinite(*std::max_element(row.logits.begin(), row.logits.end()) / params.temperature)) continue;
      const Reference expected = ReferenceFilters(row.logits, params).result();
      const LogitRow logits(row.logits.data(), kVocabSize);
      const std::vector<float> ours = TokenDistribution(logits, params).probabilities();
      EXPECT_NEAR(std::accumulate(ours.begin(), ours.end(), 0.0), 1, 1e-5);
      int num_wrong = 0;
      for (size_t i = 0; i < kVocabSize; ++i) {
        const double probability = expected.probabilities[i];
        if (expected.open[i]) continue;
        if (std::abs(ours[i] - probability) > 1e-4 * probability + 1e-7) ++num_wrong;
      }
      EXPECT_EQ(num_wrong, 0);
    }
  }
}

TEST(TokenDistribution, DrawsByTheRunningSumOverTheIds) {
  for (const Row& row : rows()) {
    for (const SamplingParams& params : all_params()) {
      SCOPED_TRACE(name_of(row, params));
      const LogitRow logits(row.logits.data(), kVocabSize);
      const TokenDistribution distribution(logits, params);
      const std::vector<float> probabilities = distribution.probabilities();
      for (const double uniform : {0.0, 1e-17, 0.1, 0.25, 0.4999, 0.77, 0.999, 1 - 1e-16}) {
        const auto drawn = probabilities.begin() + distribution.draw(uniform);
        EXPECT_GT(*drawn, 0);
        const double before = std::accumulate(probabilities.begin(), drawn, 0.0);
        EXPECT_LE(before, uniform + 1e-5);
        EXPECT_GE(before + *drawn, uniform - 1e-5);
      }
      const auto possible = [](float probability) { return probability > 0; };
      EXPECT_EQ(distribution.draw(0),
                std::find_if(probabilities.begin(), probabilities.end(), possible) - probabilities.begin());
    }
  }
}

TEST(TokenDistribution, DropsTheLowestIdsAmongEqualsAtTheBorderButForTheFirstOfTheBest) {
  EXPECT_THAT(kept_of(std::vector<float>(8, 2.0F), params_of(1, 0.5)), ElementsAre(0, 5, 6, 7));
  EXPECT_THAT(kept_of(std::vector<float>(300, 2.0F), params_of(1, 1e-6)), ElementsAre(0));
  const float half = std::log(0.5F);
  // The best has 2 of 6 parts; the others follow from the end, one part each.
  EXPECT_THAT(kept_of({half, half, 0.0F, half, half}, params_of(1, 0.6)), ElementsAre(2, 3, 4));
  EXPECT_THAT(kept_of({half, half, 0.0F, half, half}, params_of(1, 0.35)), ElementsAre(2, 4));
  EXPECT_THAT(kept_of({half, half, 0.0F, half, half}, params_of(1, 0.3)), ElementsAre(2));
  EXPECT_THAT(kept_of({0.0F, half, 0.0F, half, 0.0F}, params_of(1, 0.45)), ElementsAre(0, 4));
  EXPECT_THAT(kept_of({0.0F, half, 0.0F, half, 0.0F}, params_of(1, 0.45, 3)), ElementsAre(0, 4));
}

TEST(TokenDistribution, DropsEqualsToTheLastOneOverAWholeVocabulary) {
  const std::vector<float> logits(129280, -1.25F);
  EXPECT_EQ(kept_of(logits, params_of(1, 0.75)).size(), 129280U * 3 / 4);
  EXPECT_EQ(kept_of(logits, params_of(1, 0.75, 50)).size(), 129280U * 3 / 4);  // all are the fiftieth
  EXPECT_EQ(kept_of(logits, params_of(1, 1, 0, 1)).size(), 129280U);
}

TEST(TokenDistribution, TopKKeepsWhatEqualsTheLastOneOnceItIsDivided) {
  float one = 1.1F;
  float next = std::nextafter(one, 2.0F);
  while (one / 1.5F != next / 1.5F) {
    one = next;
    next = std::nextafter(one, 2.0F);
  }
  std::vector<float> logits(3000, 0.0F);
  logits[2990] = one;
  logits[17] = next;
  EXPECT_THAT(kept_of(logits, params_of(1.5, 1, 1)), ElementsAre(17, 2990));
  EXPECT_THAT(kept_of(logits, params_of(1, 1, 1)), ElementsAre(17));
}

TEST(TokenDistribution, ATemperatureNearZeroLeavesTheBest) {
  for (const double temperature : {1e-6, 1e-30, 1e-38, 1e-44, 1e-60}) {
    EXPECT_THAT(kept_of({1.0F, 7.5F, -2.0F, 7.5F, 7.4F}, params_of(temperature, 1)), ElementsAre(1, 3)) << temperature;
    EXPECT_THAT(kept_of({-1.0F, -7.5F, -0.5F}, params_of(temperature, 0.9)), ElementsAre(2)) << temperature;
    EXPECT_THAT(kept_of({-1.0F, 0.0F, -0.5F}, params_of(temperature, 1, 2)), ElementsAre(1)) << temperature;
    EXPECT_THAT(kept_of({3e38F, 2e38F, -3e38F}, params_of(temperature, 1, 0, 0.1)), ElementsAre(0)) << temperature;
  }
}

TEST(TokenDistribution, RefusesLogitsWhoseLargestIsNotFinite) {
  for (const float odd : {kNan, kInfinity, -kInfinity}) {
    const std::vector<float> logits = {odd, kNan, -kInfinity};
    EXPECT_THROW(LogitRow(logits.data(), 3), Error) << odd;
  }
}

TEST(TokenDistribution, FrequenciesFollowTheProbabilities) {
  const std::vector<float> logits = rows()[1].logits;
  const LogitRow row(logits.data(), kVocabSize);
  constexpr int kDraws = 200000;
  for (const SamplingParams& params : {params_of(1, 1), params_of(1, 0.9), params_of(2, 0.8, 200), params_of(1, 1, 0, 0.01)}) {
    SCOPED_TRACE(name_of({"wide normal", {}}, params));
    const TokenDistribution distribution(row, params);
    const std::vector<double> expected = ReferenceFilters(logits, params).result().probabilities;
    std::mt19937_64 generator(5);
    std::vector<int> counts(kVocabSize, 0);
    for (int i = 0; i < kDraws; ++i) {
      ++counts[static_cast<size_t>(distribution.draw(static_cast<double>(generator() >> 11) * 0x1.0p-53))];
    }
    double chi_squared = 0;
    int num_groups = 0;
    double group_expected = 0;
    int group_count = 0;
    for (size_t i = 0; i < kVocabSize; ++i) {
      group_expected += expected[i] * kDraws;
      group_count += counts[i];
      if (group_expected < 20 && i + 1 < kVocabSize) continue;
      chi_squared += group_expected > 0 ? std::pow(group_count - group_expected, 2) / group_expected : 0;
      ++num_groups;
      group_expected = 0;
      group_count = 0;
    }
    // Its mean is the number of groups less one, its variance twice that.
    EXPECT_GT(num_groups, 10);
    EXPECT_LT(chi_squared, num_groups + 4 * std::sqrt(2.0 * num_groups));
  }
}

}  // namespace
}  // namespace spyhop
