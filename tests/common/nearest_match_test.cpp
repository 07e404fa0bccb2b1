#include "common/nearest_match.h"

#include <gtest/gtest.h>

#include "spyhop/error.h"

namespace spyhop {
namespace {

const std::vector<std::string> kNames{"deepseek-vl2", "qwen-vl", "libtorch"};

TEST(NearestMatch, CountsEdits) {
  EXPECT_EQ(nearest_match("deepseek-v2", kNames), "deepseek-vl2");
  EXPECT_EQ(nearest_match("deepsekvl2", kNames), "deepseek-vl2");
  EXPECT_EQ(nearest_match("LIBTROCH", kNames), "libtorch");
  EXPECT_EQ(nearest_match("qwenvl", kNames), "qwen-vl");
}

TEST(NearestMatch, IsNothingForWhatIsNearNothing) {
  EXPECT_EQ(nearest_match("zzzzzz", kNames), "");
  EXPECT_EQ(nearest_match("", kNames), "");
  EXPECT_EQ(nearest_match("x", {}), "");
}

TEST(NearestMatch, TakesTheFirstOfEquals) {
  EXPECT_EQ(nearest_match("ab", {"ac", "ad"}), "ac");
}

TEST(NearestMatch, IsQuickForLongValues) {
  EXPECT_EQ(nearest_match(std::string(1 << 20, 'a'), kNames), "");
}

TEST(AllowedText, NamesTheNearestOfSeveral) {
  EXPECT_EQ(allowed_text("qwen-vl2", kNames), "allowed: deepseek-vl2, qwen-vl, libtorch; the nearest is qwen-vl");
  EXPECT_EQ(allowed_text("zzzzzz", kNames), "allowed: deepseek-vl2, qwen-vl, libtorch");
  EXPECT_EQ(allowed_text("nono", {"none"}), "allowed: none");
}

TEST(MatchOrThrow, IsFreeInCase) {
  EXPECT_EQ(match_or_throw("LibTorch", kNames, "engine", "model_engine"), "libtorch");
  try {
    match_or_throw("libtorc", kNames, "engine", "model_engine");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.param(), "model_engine");
    EXPECT_STREQ(error.what(),
                 "no engine is named \"libtorc\"; allowed: deepseek-vl2, qwen-vl, libtorch; the nearest is libtorch");
  }
}

}  // namespace
}  // namespace spyhop
