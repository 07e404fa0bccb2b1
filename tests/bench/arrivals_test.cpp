#include "bench/arrivals.h"

#include <gtest/gtest.h>

#include "bench/statistics.h"

namespace spyhop {
namespace {

constexpr int kNumArrivals = 20'000;

Summary intervals(const ArrivalOptions& options) {
  Arrivals arrivals(options, TimePoint());
  std::vector<double> seconds;
  for (int i = 0; i < kNumArrivals; ++i) {
    const TimePoint before = arrivals.next();
    arrivals.advance();
    seconds.push_back(std::chrono::duration<double>(arrivals.next() - before).count());
  }
  return summarize(std::move(seconds), {});
}

TEST(arrivals, OfAPoissonProcessHaveTheMeanAndTheDeviationOfOneOverTheRate) {
  const Summary poisson = intervals({8, 1, 3});
  EXPECT_NEAR(poisson.mean, 0.125, 0.125 * 0.03);  // four standard errors: 4 / sqrt(20000)
  EXPECT_NEAR(poisson.std, 0.125, 0.125 * 0.05);
}

TEST(arrivals, BurstinessChangesTheDeviationAndNotTheMean) {
  const Summary bursts = intervals({8, 0.25, 3}), even = intervals({8, 100, 3});
  EXPECT_NEAR(bursts.mean, 0.125, 0.125 * 0.06);
  EXPECT_NEAR(bursts.std, 0.25, 0.25 * 0.1);  // 1 / (rate * sqrt(burstiness))
  EXPECT_NEAR(even.mean, 0.125, 0.125 * 0.01);
  EXPECT_NEAR(even.std, 0.0125, 0.0125 * 0.05);
}

TEST(arrivals, WithoutARateAreAllAtOnce) {
  Arrivals arrivals({}, TimePoint());
  arrivals.advance();
  EXPECT_EQ(arrivals.next(), TimePoint());
}

TEST(arrivals, DependOnTheSeed) {
  Arrivals a({1, 1, 5}, TimePoint()), same({1, 1, 5}, TimePoint()), other({1, 1, 6}, TimePoint());
  a.advance(), same.advance(), other.advance();
  EXPECT_EQ(a.next(), same.next());
  EXPECT_NE(a.next(), other.next());
}

}  // namespace
}  // namespace spyhop
