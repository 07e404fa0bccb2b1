#include "bench/statistics.h"

#include <gtest/gtest.h>

namespace spyhop {
namespace {

TEST(statistics, FiguresOfASmallSampleAreThoseComputedByHand) {
  // Sum 40, so the mean is 5; squared distances 9+1+1+1+0+0+4+16 = 32, divided by 8 and rooted: 2.
  const Summary summary = summarize({9, 2, 4, 4, 4, 5, 5, 7}, {25, 90, 99, 100});
  EXPECT_EQ(summary.count, 8u);
  EXPECT_DOUBLE_EQ(summary.mean, 5);
  EXPECT_DOUBLE_EQ(summary.std, 2);
  EXPECT_DOUBLE_EQ(summary.median, 4.5);
  EXPECT_DOUBLE_EQ(summary.max, 9);
  ASSERT_EQ(summary.percentiles.size(), 4u);
  EXPECT_DOUBLE_EQ(summary.percentiles[0], 4);             // position 1.75, between 4 and 4
  EXPECT_NEAR(summary.percentiles[1], 7 + 0.3 * 2, 1e-9);  // position 6.3, between 7 and 9
  EXPECT_NEAR(summary.percentiles[2], 7 + 0.93 * 2, 1e-9);
  EXPECT_DOUBLE_EQ(summary.percentiles[3], 9);
}

TEST(statistics, OfOneValueAllFiguresAreThatValue) {
  const Summary summary = summarize({3.5}, {1, 99});
  EXPECT_DOUBLE_EQ(summary.mean, 3.5);
  EXPECT_DOUBLE_EQ(summary.median, 3.5);
  EXPECT_DOUBLE_EQ(summary.std, 0);
  EXPECT_EQ(summary.percentiles, (std::vector<double>{3.5, 3.5}));
}

TEST(statistics, AnEmptySampleHasZeros) {
  const Summary summary = summarize({}, {95, 99});
  EXPECT_EQ(summary.count, 0u);
  EXPECT_EQ(summary.mean, 0);
  EXPECT_EQ(summary.percentiles, (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace spyhop
