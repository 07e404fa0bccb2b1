#include "engine/vision_cache.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace spyhop {
namespace {

at::Tensor rows(int count) {
  return at::ones({count, 4});  // 16 bytes a row
}

TEST(VisionCache, GivesBackWhatWasPutIn) {
  VisionCache cache(1000);
  cache.insert("a", rows(3));
  EXPECT_EQ(cache.find("a").size(0), 3);
  EXPECT_FALSE(cache.find("b").defined());
  EXPECT_EQ(cache.num_bytes(), 48);
}

TEST(VisionCache, DropsTheLeastRecentlyUsedWhenItsBudgetIsSpent) {
  VisionCache cache(100);
  cache.insert("a", rows(3));
  cache.insert("b", rows(3));
  EXPECT_TRUE(cache.find("a").defined());
  cache.insert("c", rows(3));
  EXPECT_TRUE(cache.find("a").defined());
  EXPECT_FALSE(cache.find("b").defined());
  EXPECT_LE(cache.num_bytes(), 100);
}

TEST(VisionCache, KeepsNothingLargerThanItsBudget) {
  VisionCache cache(100);
  cache.insert("a", rows(3));
  cache.insert("big", rows(50));
  EXPECT_TRUE(cache.find("a").defined());
  EXPECT_FALSE(cache.find("big").defined());
}

TEST(VisionCache, ABudgetOfNothingKeepsNothing) {
  VisionCache cache(0);
  cache.insert("a", rows(1));
  EXPECT_FALSE(cache.find("a").defined());
}

}  // namespace
}  // namespace spyhop
