#include "cli/verify_golden_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/verify_golden_compare.h"
#include "cli/verify_golden_row_tally.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;

Check with_error(Check check, double error) {
  check.error = error;
  return check;
}

CaseReport passing_case() {
  CaseReport report("mini", "text_only");
  report.add(Column::kIds, passed("input_ids", "23"));
  report.add(Column::kLogits, with_error(passed("logits_last", "1.0e-06"), 1e-6));
  return report;
}

TEST(CaseReport, HoldsWhenEveryCheckDoes) {
  EXPECT_EQ(passing_case().verdict(), Verdict::kPass);
  EXPECT_FALSE(passing_case().partial());
  EXPECT_EQ(CaseReport("mini", "empty").verdict(), Verdict::kNotRun);
}

TEST(CaseReport, FailsByOneCheck) {
  CaseReport report = passing_case();
  report.add(Column::kTokens, failed("greedy", "2 of 24 differ"));
  EXPECT_EQ(report.verdict(), Verdict::kFail);
  EXPECT_THAT(note_lines(report), HasSubstr("FAIL tokens / greedy: 2 of 24 differ"));
}

TEST(CaseReport, SaysWhenAPartWasNotRun) {
  CaseReport report = passing_case();
  report.add(Column::kVision, not_run("model", "images/a.jpg is not in the set"));
  report.add(Column::kLayers, not_run("model", "images/a.jpg is not in the set"));
  EXPECT_EQ(report.verdict(), Verdict::kPass);
  EXPECT_TRUE(report.partial());
  EXPECT_THAT(table_row(report), HasSubstr("ok, in part"));
  EXPECT_EQ(note_lines(report), "    not run: images/a.jpg is not in the set\n");
}

TEST(CaseReport, ShowsFailuresFirstAndThenTheLargestError) {
  CaseReport report("mini", "x");
  EXPECT_EQ(report.representative(Column::kLogits), nullptr);
  report.add(Column::kLogits, with_error(passed("a", "1.0e-06"), 1e-6));
  report.add(Column::kLogits, with_error(passed("b", "3.0e-05"), 3e-5));
  report.add(Column::kLogits, with_error(passed("c", "2.0e-05"), 2e-5));
  EXPECT_EQ(report.representative(Column::kLogits)->name, "b");
  report.add(Column::kLogits, not_run("d", "absent"));
  EXPECT_EQ(report.representative(Column::kLogits)->name, "d");
  report.add(Column::kLogits, failed("e", "wrong"));
  EXPECT_EQ(report.representative(Column::kLogits)->name, "e");
}

TEST(CaseReport, PrefersACheckThatHasSomethingToShow) {
  CaseReport report("mini", "x");
  report.add(Column::kPixels, passed("global rgb_sha256", ""));
  report.add(Column::kPixels, passed("pixels_sha256_f32", "2 tiles"));
  EXPECT_THAT(table_row(report), HasSubstr("2 tiles"));
}

TEST(GoldenTable, AlignsRowsWithTheHeader) {
  const std::string header = table_header();
  const std::string row = table_row(passing_case());
  EXPECT_EQ(row.find("23"), header.find("ids"));
  EXPECT_EQ(row.find("1.0e-06"), header.find("logits"));
  EXPECT_EQ(row.find("ok", row.find("0.00")), header.find("verdict"));
  EXPECT_THAT(row, HasSubstr("mini/text_only"));
}

TEST(GoldenReport, HoldsOnlyIfSomethingWasChecked) {
  GoldenReport report;
  EXPECT_FALSE(report.holds());
  report.tables.push_back(not_run("grounding", "not parsed"));
  EXPECT_FALSE(report.holds());
  report.cases.push_back(passing_case());
  EXPECT_TRUE(report.holds());
  report.tables.push_back(failed("resize", "wrong"));
  EXPECT_FALSE(report.holds());
  EXPECT_THAT(summary_line(report), HasSubstr("FAILED"));
  EXPECT_THAT(summary_line(report), HasSubstr("2 tables and files: 0 hold, 1 fail, 1 not run"));
}

TEST(GoldenReport, BecomesJson) {
  GoldenReport report;
  report.set = "golden";
  report.compute = "f32";
  report.cases.push_back(passing_case());
  report.tables.push_back(failed("resize", "wrong"));
  const nlohmann::json json = to_json(report);
  EXPECT_EQ(json["holds"], false);
  EXPECT_EQ(json["cases"][0]["case"], "text_only");
  EXPECT_EQ(json["cases"][0]["checks"]["logits"][0]["error"], 1e-6);
  EXPECT_FALSE(json["cases"][0]["checks"].contains("vision"));
  EXPECT_EQ(json["tables"][0]["verdict"], "FAIL");
}

TEST(RowTally, TellsManyRowsAsOne) {
  RowTally tally("decode", "images");
  tally.add("a.png", passed("rgb_sha256", ""));
  tally.add("b.png", passed("rgb_sha256", ""));
  tally.skip("images not in the set");
  EXPECT_EQ(tally.result().verdict, Verdict::kPass);
  EXPECT_EQ(tally.result().summary, "2 images, not run: 1 images not in the set");
}

TEST(RowTally, FailsWithTheFirstFailingRow) {
  RowTally tally("decode", "images");
  tally.add("a.png", passed("rgb_sha256", ""));
  tally.add("b.png", failed("size", "9 bytes, expected 10"));
  tally.add("c.png", failed("size", "8 bytes, expected 10"));
  EXPECT_EQ(tally.result().verdict, Verdict::kFail);
  EXPECT_EQ(tally.result().detail, "2 of 3 images differ, first b.png: size: 9 bytes, expected 10");
}

TEST(RowTally, IsNotRunWithoutRows) {
  RowTally tally("decode", "images");
  EXPECT_EQ(tally.result().verdict, Verdict::kNotRun);
  tally.skip("images not in the set");
  EXPECT_EQ(tally.result().verdict, Verdict::kNotRun);
  EXPECT_EQ(tally.result().detail, "1 images not in the set");
}

}  // namespace
}  // namespace spyhop
