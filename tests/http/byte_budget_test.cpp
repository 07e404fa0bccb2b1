#include "http/byte_budget.h"

#include <gtest/gtest.h>

#include <limits>

namespace spyhop {
namespace {

TEST(byte_budget, SharesAddUpToTheLimitAndAreGivenBack) {
  ByteBudget budget(10);
  {
    ByteBudget::Share first(budget);
    ByteBudget::Share second(budget);
    EXPECT_TRUE(first.grow(4));
    EXPECT_TRUE(second.grow(5));
    EXPECT_FALSE(first.grow(2));
    EXPECT_TRUE(first.grow(1));
    EXPECT_FALSE(second.grow(1));
    EXPECT_TRUE(second.grow(0));
  }
  ByteBudget::Share third(budget);
  EXPECT_FALSE(third.grow(std::numeric_limits<size_t>::max()));
  EXPECT_TRUE(third.grow(10));
}

}  // namespace
}  // namespace spyhop
