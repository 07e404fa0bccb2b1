#include "cli/verify_against.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/quantize_checkpoint.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

AgainstOptions options_of(const std::string& family, const std::string& against) {
  AgainstOptions options;
  options.model_path = checkpoint(family);
  options.against = against;
  options.num_threads = 2;
  options.answer_tokens = 8;
  return options;
}

std::string complaint(const AgainstOptions& options) {
  try {
    compare_models(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const DivergenceSummary& summary(const AgainstReport& report, const std::string& name) {
  const auto found = std::find_if(report.groups.begin(), report.groups.end(), [&](const auto& g) { return g.name == name; });
  if (found == report.groups.end()) throw std::runtime_error("no group " + name);
  return found->summary;
}

TEST(CompareModels, AModelAgainstItselfIsTheSame) {
  for (const std::string family : {"mini-tiny", "mini-small", "mini-base"}) {
    const AgainstReport report = compare_models(options_of(family, "none"));
    const DivergenceSummary& all = summary(report, "all");
    EXPECT_EQ(report.num_prompts, comparison_prompts().size());
    EXPECT_EQ(all.count, report.num_positions);
    EXPECT_EQ(all.max_kl, 0.0) << family;
    EXPECT_EQ(all.agreement, 1.0) << family;
    EXPECT_EQ(summary(report, "questions").count + summary(report, "answers").count, all.count);
    EXPECT_GE(summary(report, "answers").count, 8 * report.num_prompts) << "each answer's first token follows the question";
  }
}

TEST(CompareModels, SeesTheDifferenceOfTwoPrecisions) {
  const DivergenceSummary all = summary(compare_models(options_of("mini-tiny", "f32")), "all");
  EXPECT_GT(all.mean_kl, 0);
  EXPECT_LT(all.mean_kl, 0.01) << "bf16 is near f32";
  EXPECT_LE(all.median_kl, all.p99_kl);
  EXPECT_LE(all.p99_kl, all.max_kl);
  EXPECT_GT(all.agreement, 0.8);
}

TEST(CompareModels, TakesTheFolderOfAnotherCheckpoint) {
  const AgainstReport report = compare_models(options_of("mini-tiny", checkpoint("mini-tiny")));
  EXPECT_THAT(report.reference, HasSubstr("mini-tiny"));
  EXPECT_EQ(summary(report, "all").max_kl, 0.0);
  EXPECT_THAT(complaint(options_of("mini-tiny", checkpoint("mini-base"))), HasSubstr("has a vocabulary of 2048 tokens, "));
}

TEST(CompareModels, SeesWhatQuantizationLoses) {
  const auto mean_kl = [](const std::string& family, Quantization quantization) {
    AgainstOptions options = options_of(family, "none");
    options.quantization = quantization;
    return summary(compare_models(options), "all").mean_kl;
  };
  for (const std::string family : {"mini-tiny", "mini-small", "mini-base"}) {
    const double int8 = mean_kl(family, Quantization::kInt8);
    const double int4 = mean_kl(family, Quantization::kInt4);
    EXPECT_GT(int8, 0) << family;
    EXPECT_GT(int4, 2 * int8) << family;
  }
}

TEST(CompareModels, TakesAQuantizedCheckpointAgainstItsOriginal) {
  const testing::TempDir dir;
  quantize_checkpoint({checkpoint("mini-tiny"), dir.file("int8"), Quantization::kInt8, 2});
  AgainstOptions options = options_of("mini-tiny", checkpoint("mini-tiny"));
  options.model_path = dir.file("int8");
  const AgainstReport report = compare_models(options);
  EXPECT_THAT(report.model, HasSubstr("quantization int8"));
  EXPECT_GT(summary(report, "all").mean_kl, 0);
  options.against = "none";
  EXPECT_THAT(complaint(options), HasSubstr("is quantized itself; allowed: the folder of its original"));
}

TEST(CompareModels, LeavesPositionsOutToStayWithinItsMemory) {
  AgainstOptions options = options_of("mini-tiny", "none");
  options.logits_bytes = 1 << 20;
  const AgainstReport report = compare_models(options);
  EXPECT_LT(summary(report, "all").count, report.num_positions);
  EXPECT_GT(summary(report, "all").count, 10U);
  options.logits_bytes = 1;
  EXPECT_EQ(summary(compare_models(options), "all").count, 1U);
}

TEST(CompareModels, HoldsTheLimits) {
  AgainstOptions options = options_of("mini-tiny", "f32");
  options.max_kl = 1.0;
  options.min_agreement = 0.5;
  EXPECT_THAT(compare_models(options).violations, IsEmpty());
  options.max_kl = 0.0;
  options.min_agreement = 1.0;
  const AgainstReport report = compare_models(options);
  EXPECT_THAT(report.violations, SizeIs(2));
  EXPECT_THAT(report_text(report), HasSubstr("FAILED: the mean KL divergence is 0.0"));
  EXPECT_FALSE(to_json(report).at("holds").get<bool>());
  EXPECT_EQ(to_json(report).at("groups").at(0).at("positions"), report.num_positions);
}

TEST(CompareModels, TakesQuestionsFromAFile) {
  const testing::TempDir dir;
  AgainstOptions options = options_of("mini-tiny", "none");
  options.prompts_path = dir.file("prompts.txt");
  std::ofstream(options.prompts_path) << "What is this?\n\n  \nUnd das?\r\n";
  EXPECT_EQ(compare_models(options).num_prompts, 2U);
  std::ofstream(options.prompts_path) << "\n \n";
  EXPECT_THAT(complaint(options), HasSubstr("no prompts; allowed: one or more lines"));
  std::ofstream(options.prompts_path) << "short\n" << std::string(30000, 'q') << "\n";
  EXPECT_THAT(complaint(options), HasSubstr("prompt 2 has "));
  options.prompts_path = dir.file("missing.txt");
  EXPECT_THAT(complaint(options), HasSubstr("missing.txt"));
}

TEST(CompareModels, RefusesWhatCannotBeCompared) {
  EXPECT_THAT(complaint(options_of("mini-tiny", "int3")),
              HasSubstr("--against is \"int3\"; allowed: none, int8, int4, bf16 or f32 for the same checkpoint"));
  EXPECT_THAT(complaint(options_of("mini-tiny", SPYHOP_TEST_DATA)), HasSubstr("config.json"));
}

}  // namespace
}  // namespace spyhop
