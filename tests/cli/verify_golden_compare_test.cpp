#include "cli/verify_golden_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace spyhop {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(CompareIntegers, PassesEqualListsAndShowsTheirLength) {
  const Check check = compare_integers("ids", {1, 2, 3}, {1, 2, 3});
  EXPECT_EQ(check.verdict, Verdict::kPass);
  EXPECT_EQ(check.summary, "3");
}

TEST(CompareIntegers, NamesTheFirstDifferenceAndTheirNumber) {
  const Check check = compare_integers("ids", {1, 2, 3, 4}, {1, 9, 3, 8});
  EXPECT_EQ(check.verdict, Verdict::kFail);
  EXPECT_EQ(check.summary, "2/4");
  EXPECT_EQ(check.detail, "2 of 4 differ, first at 1: 9, expected 2");
}

TEST(CompareIntegers, TakesAnotherLengthAsAFailure) {
  EXPECT_EQ(compare_integers("ids", {1, 2}, {1}).detail, "1 values, expected 2");
  EXPECT_EQ(compare_integers("ids", {}, {}).verdict, Verdict::kPass);
}

TEST(CompareFloatsExactly, TellsBitPatternsApart) {
  EXPECT_EQ(compare_floats_exactly("pixels", {0.5F, kNan}, {0.5F, kNan}).verdict, Verdict::kPass);
  EXPECT_EQ(compare_floats_exactly("pixels", {0.0F}, {-0.0F}).verdict, Verdict::kFail);
  EXPECT_EQ(compare_floats_exactly("pixels", {1.0F}, {std::nextafter(1.0F, 2.0F)}).verdict, Verdict::kFail);
}

TEST(CompareTexts, ShowsBothTextsAroundTheDifference) {
  const Check check = compare_texts("text", "one two three", "one two four");
  EXPECT_EQ(check.verdict, Verdict::kFail);
  EXPECT_EQ(check.detail, "differs at byte 8: 'one two four', expected 'one two three'");
}

TEST(CompareTexts, CutsLongTextsAtCharacterBorders) {
  std::string want;
  for (int i = 0; i < 40; ++i) want += "\u56fe";
  std::string got = want;
  got.replace(60, 3, "x");
  const Check check = compare_texts("text", want, got);
  EXPECT_THAT(check.detail, HasSubstr("differs at byte 60"));
  EXPECT_THAT(check.detail, HasSubstr("'\u56fe"));
  EXPECT_THAT(check.detail, HasSubstr("\u56fe'"));
}

TEST(CompareTexts, TakesAPrefixAsADifference) {
  EXPECT_EQ(compare_texts("text", "ab", "a").verdict, Verdict::kFail);
  EXPECT_EQ(compare_texts("text", "a", "ab").verdict, Verdict::kFail);
  EXPECT_EQ(compare_texts("text", "", "").verdict, Verdict::kPass);
}

TEST(CompareClose, HoldsUpToTheToleranceAndTellsTheLargestError) {
  const Check check = compare_close("logits", {1.0F, 2.0F}, {1.0F, 2.5F}, 0.5);
  EXPECT_EQ(check.verdict, Verdict::kPass);
  EXPECT_DOUBLE_EQ(check.error.value(), 0.5);
  EXPECT_EQ(check.summary, "5.0e-01");
  EXPECT_EQ(compare_close("logits", {1.0F, 2.0F}, {1.0F, 2.5F}, 0.4).verdict, Verdict::kFail);
}

TEST(CompareClose, NeverPassesWhatIsNotANumber) {
  EXPECT_EQ(compare_close("logits", {1.0F}, {kNan}, 1e9).verdict, Verdict::kFail);
  EXPECT_EQ(compare_close("logits", {kNan}, {kNan}, 1e9).verdict, Verdict::kFail);
  EXPECT_EQ(compare_close("logits", {1.0F}, {INFINITY}, 1e9).verdict, Verdict::kFail);
  EXPECT_TRUE(std::isinf(compare_close("logits", {1.0F, 1.0F}, {kNan, 1.0F}, 1).error.value()));
}

TEST(CompareRows, HoldsEachRowToItsOwnTolerance) {
  const std::vector<float> want = {0, 0, 0, 0};
  const std::vector<float> got = {0, 0.1F, 0.3F, 0};
  EXPECT_EQ(compare_rows("layers", want, got, {0.2, 0.4}).verdict, Verdict::kPass);
  EXPECT_THAT(compare_rows("layers", want, got, {0.4, 0.2}).detail, HasSubstr("first at 2"));
}

TEST(CompareRows, RefusesValuesThatAreNoRows) {
  EXPECT_EQ(compare_rows("layers", {1, 2, 3}, {1, 2, 3}, {1, 1}).verdict, Verdict::kFail);
  EXPECT_EQ(compare_rows("layers", {1}, {1}, {}).verdict, Verdict::kFail);
}

TEST(CompareRelativeRms, RelatesTheErrorToTheReferencesSize) {
  const Check check = compare_relative_rms("embeds", {3, 4}, {3, 4.1F}, 0.021);
  EXPECT_EQ(check.verdict, Verdict::kPass);
  EXPECT_NEAR(check.error.value(), 0.02, 1e-6);
  EXPECT_EQ(check.summary, "rms 2.00%");
  EXPECT_EQ(compare_relative_rms("embeds", {3, 4}, {3, 4.1F}, 0.019).verdict, Verdict::kFail);
  EXPECT_EQ(compare_relative_rms("embeds", {0, 0}, {0, 0}, 0.01).verdict, Verdict::kPass);
  EXPECT_EQ(compare_relative_rms("embeds", {0, 0}, {0, 1}, 0.01).verdict, Verdict::kFail);
  EXPECT_EQ(compare_relative_rms("embeds", {1}, {kNan}, 0.01).verdict, Verdict::kFail);
}

TEST(CompareDirection, MeasuresTheCosine) {
  EXPECT_EQ(compare_direction("logits", {1, 0}, {5, 0}, 0.99).verdict, Verdict::kPass);
  EXPECT_EQ(compare_direction("logits", {1, 0}, {1, 1}, 0.99).verdict, Verdict::kFail);
  EXPECT_EQ(compare_direction("logits", {1, 0}, {0, 0}, 0.99).verdict, Verdict::kFail);
  EXPECT_EQ(compare_direction("logits", {1, 0}, {kNan, 0}, 0.99).verdict, Verdict::kFail);
}

TEST(CompareSets, IgnoresTheOrderInsideASet) {
  EXPECT_EQ(compare_sets("experts", {1, 2, 3, 4}, {2, 1, 4, 3}, 2).verdict, Verdict::kPass);
  EXPECT_EQ(compare_sets("experts", {1, 2, 3, 4}, {2, 1, 4, 3}, 2).summary, "2");
  const Check check = compare_sets("experts", {1, 2, 3, 4}, {2, 1, 4, 5}, 2);
  EXPECT_EQ(check.summary, "1/2");
  EXPECT_EQ(check.detail, "1 of 2 differ, first at 1: {4 5}, expected {3 4}");
  EXPECT_EQ(compare_sets("experts", {1, 2, 3, 4}, {1, 3, 2, 4}, 2).verdict, Verdict::kFail);
  EXPECT_EQ(compare_sets("experts", {1, 2, 3}, {1, 2, 3}, 2).verdict, Verdict::kFail);
}

TEST(CompareWhereCertain, OverlooksCloseDecisions) {
  EXPECT_EQ(compare_where_certain("argmax", {1, 2}, {1, 3}, {0.5F, 0.0005F}, 1e-3).verdict, Verdict::kPass);
  EXPECT_EQ(compare_where_certain("argmax", {1, 2}, {1, 3}, {0.5F, 0.5F}, 1e-3).verdict, Verdict::kFail);
  EXPECT_EQ(compare_where_certain("argmax", {1, 2}, {1, 2}, {0.5F}, 1e-3).verdict, Verdict::kFail);
}

TEST(CompareShare, WantsMoreThanTheLimit) {
  EXPECT_EQ(compare_share("argmax", {1, 2, 3, 4}, {1, 2, 3, 9}, 1, 0.7).summary, "75.0%");
  EXPECT_EQ(compare_share("argmax", {1, 2, 3, 4}, {1, 2, 3, 9}, 1, 0.7).verdict, Verdict::kPass);
  EXPECT_EQ(compare_share("argmax", {1, 2, 3, 4}, {1, 2, 3, 9}, 1, 0.75).verdict, Verdict::kFail);
  EXPECT_EQ(compare_share("experts", {1, 2, 3, 4}, {9, 9, 9, 9}, 2, -1).verdict, Verdict::kPass);
  EXPECT_EQ(compare_share("argmax", {}, {}, 1, 0.5).verdict, Verdict::kFail);
}

}  // namespace
}  // namespace spyhop
