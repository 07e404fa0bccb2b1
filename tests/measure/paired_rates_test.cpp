#include "measure/paired_rates.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "measure/measurement.h"

namespace spyhop {
namespace {

TEST(PairedRates, AMedianIsTheMiddleOrHalfwayBetweenTheTwoMiddles) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 4}), 4);
  EXPECT_EQ(median({1, 10, 2, 4}), 3);
}

TEST(PairedRates, TheRatioIsTheMedianOfThePairsNotTheRatioOfTheMedians) {
  // The machine halves its speed after two pairs; what is measured goes on at 0.9 of it, but for one disturbed pair.
  const Rated rated = summarize({{90, 90, 45, 20, 45}, {100, 100, 50, 50, 50}});
  EXPECT_DOUBLE_EQ(rated.value, 45);
  EXPECT_DOUBLE_EQ(rated.limit, 50);
  EXPECT_DOUBLE_EQ(rated.ratio, 0.9);
}

TEST(PairedRates, QuietPairsCountAloneWhereThereAreSome) {
  const RatePairs all{{10, 50, 60, 70}, {100, 100, 100, 100}};
  const Rated some = summarize(all, {{50, 60}, {100, 100}});
  EXPECT_DOUBLE_EQ(some.ratio, 0.55);
  EXPECT_EQ(some.num_pairs, 4);
  EXPECT_EQ(some.num_quiet, 2);
  const Rated none = summarize(all, {});
  EXPECT_DOUBLE_EQ(none.ratio, 0.55);
  EXPECT_EQ(none.num_quiet, 0);
}

TEST(PairedRates, BothKindsOfWorkTakeTurns) {
  std::string order;
  const Work measured{1, [&] { order += 'm'; }};
  const Work limit{1, [&] { order += 'l'; }};
  PairOptions options;
  options.num_pairs = 3;
  options.min_seconds = 0;
  rate_against(measured, limit, options);
  // The first two warm up; pairs that were disturbed are taken again.
  EXPECT_EQ(order.substr(0, 8), "mlmlmlml");
  EXPECT_LE(order.size(), 2 * (1 + 2 * 3U));
}

TEST(PairedRates, ARateCountsAllCallsOverTheTimeTheyTook) {
  int calls = 0;
  const Work nap{10, [&] {
                   ++calls;
                   std::this_thread::sleep_for(std::chrono::milliseconds(2));
                 }};
  const double rate = rate_of(nap, 0.02);
  EXPECT_GE(calls, 3);
  EXPECT_LE(rate, 10 / 0.002);
  EXPECT_GT(rate, 0);
}

TEST(PairedRates, ALineIsInItsUnit) {
  const Measurement line = in_unit("read", {45e9, 50e9, 0.9, 7, 5}, "GB/s", 1e9);
  EXPECT_DOUBLE_EQ(line.value, 45);
  EXPECT_DOUBLE_EQ(line.limit, 50);
  EXPECT_DOUBLE_EQ(line.ratio, 0.9);
  EXPECT_EQ(line.unit, "GB/s");
  EXPECT_EQ(line.num_quiet, 5);
}

}  // namespace
}  // namespace spyhop
