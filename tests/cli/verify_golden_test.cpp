// The whole way over a set: what holds is told as holding, what does not as failing.
#include "cli/verify_golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "cli/verify_golden_set.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempDir;

constexpr const char* kSet = SPYHOP_TEST_DATA;
constexpr const char* kFamily = "mini-small";

/// A set of one case: the original's, changed.
class ChangedSet {
 public:
  ChangedSet(const std::string& name, const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json manifest = read_json_file(std::string(kSet) + "/manifest.json");
    nlohmann::json family = manifest["families"][kFamily];
    const auto original = [&](const nlohmann::json& entry) { return entry["name"] == name; };
    const nlohmann::json entry = *std::find_if(family["cases"].begin(), family["cases"].end(), original);
    family["cases"] = {entry};
    manifest["families"] = {{kFamily, family}};
    dir_.write("manifest.json", manifest.dump());
    nlohmann::json changed = read_json_file(std::string(kSet) + "/" + entry["json"].get<std::string>());
    change(changed);
    fs::create_directories(dir_.path() + "/" + kFamily + "/cases");
    dir_.write(entry["json"], changed.dump());
    for (const std::string& same :
         {family["checkpoint"].get<std::string>(), entry["tensors"].get<std::string>(), std::string("images")}) {
      fs::create_symlink(fs::path(kSet) / same, fs::path(dir_.path()) / same);
    }
    options_.set = dir_.path();
    options_.cases = {name};
  }

  GoldenReport run() const { return run_golden_set(options_); }
  const GoldenOptions& options() const { return options_; }

 private:
  TempDir dir_;
  GoldenOptions options_;
};

std::string failure_of(const ChangedSet& set) {
  const GoldenReport report = set.run();
  return report.holds() ? "" : note_lines(report.cases.at(0));
}

void change_nothing(nlohmann::json&) {}

TEST(GoldenRun, HoldsForACaseOfText) {
  const GoldenReport report = ChangedSet("text_only", change_nothing).run();
  ASSERT_EQ(report.cases.size(), 1U);
  EXPECT_EQ(report.cases[0].verdict(), Verdict::kPass) << note_lines(report.cases[0]);
  EXPECT_FALSE(report.cases[0].partial());
  for (Column column : {Column::kIds, Column::kVision, Column::kLayers, Column::kExperts, Column::kLogits, Column::kTokens}) {
    EXPECT_NE(report.cases[0].representative(column), nullptr) << kColumnNames[static_cast<size_t>(column)];
  }
}

TEST(GoldenRun, HoldsForACaseWithAnImageInBothComputeTypes) {
  GoldenOptions options;
  options.set = kSet;
  options.families = {kFamily};
  options.cases = {"img_square_small"};
  options.prefill_chunk = 13;
  EXPECT_TRUE(run_golden_set(options).holds());
  options.compute = ComputeType::kBf16;
  EXPECT_TRUE(run_golden_set(options).holds());
}

TEST(GoldenRun, FailsByOneOtherToken) {
  const ChangedSet set("text_only", [](nlohmann::json& golden) { golden["greedy"][23] = 7; });
  EXPECT_THAT(failure_of(set), HasSubstr("FAIL tokens / greedy: 1 of 24 differ, first at 23"));
  EXPECT_EQ(verify_golden(set.options()), 1);
}

TEST(GoldenRun, FailsByOneOtherWordOfThePrompt) {
  const ChangedSet set("text_only", [](nlohmann::json& golden) { golden["conversation"][0]["content"] = "Hello?"; });
  EXPECT_THAT(failure_of(set), HasSubstr("FAIL ids / input_ids"));
}

TEST(GoldenRun, FailsByAnotherDigestOfATile) {
  const ChangedSet set("img_tall", [](nlohmann::json& golden) { golden["pixels_sha256_f32"][1] = std::string(64, '0'); });
  EXPECT_THAT(failure_of(set), HasSubstr("FAIL pixels / pixels_sha256_f32: 4 of 5 tiles equal"));
}

TEST(GoldenRun, FailsByAnotherCanvas) {
  const ChangedSet set("img_tall", [](nlohmann::json& golden) { golden["image_info"][0]["local"]["target"][0] = 208; });
  EXPECT_THAT(failure_of(set), HasSubstr("FAIL pixels / local size"));
}

TEST(GoldenRun, TakesAFieldThatIsMissingAsTheCasesFailure) {
  const ChangedSet set("text_only", [](nlohmann::json& golden) { golden.erase("n_tokens"); });
  EXPECT_THAT(failure_of(set), HasSubstr("n_tokens"));
}

TEST(GoldenRun, RefusesAStrideThatNeverAdvances) {
  const ChangedSet set("img_tall", [](nlohmann::json& golden) { golden["pixels_stride"] = 0; });
  EXPECT_THAT(failure_of(set), HasSubstr("pixels_stride: 0, must be at least 1"));
}

TEST(GoldenRun, TellsWhatCouldNotBeRunWithoutTheImage) {
  GoldenOptions options;
  options.set = kSet;
  options.families = {kFamily};
  options.cases = {"grounding_ref"};
  const GoldenReport report = run_golden_set(options);
  EXPECT_TRUE(report.holds());
  EXPECT_TRUE(report.cases.at(0).partial());
  EXPECT_THAT(note_lines(report.cases[0]), HasSubstr("images/photo_giraffe.jpg is not in the set"));
}

TEST(GoldenRun, RefusesNamesThatAreNotInTheSet) {
  GoldenOptions options;
  options.set = kSet;
  options.families = {"mini-huge"};
  try {
    run_golden_set(options);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("--family mini-huge: not in the set; it has: mini-base, mini-small, mini-tiny"));
  }
  options.families = {};
  options.cases = {"nothing"};
  EXPECT_THROW(run_golden_set(options), Error);
}

}  // namespace
}  // namespace spyhop
