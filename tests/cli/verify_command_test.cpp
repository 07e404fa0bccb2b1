#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>

#include "cli/commands.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;

/// What is wrong with `arguments`; "" when they are accepted.
std::string usage_error(const std::string& arguments) {
  CLI::App app;
  add_verify_command(app);
  try {
    app.parse(arguments);
  } catch (const CLI::RuntimeError& e) {
    return "status " + std::to_string(e.get_exit_code());
  } catch (const CLI::ParseError& e) {
    return e.what();
  }
  return "";
}

TEST(VerifyCommand, WantsExactlyOneThingToVerify) {
  EXPECT_THAT(usage_error("verify"), HasSubstr("nothing to verify"));
  EXPECT_THAT(usage_error("verify DIR --golden SET"), HasSubstr("only one of"));
  EXPECT_THAT(usage_error("verify --golden SET --tokenizer DIR --cases FOLDER"), HasSubstr("only one of"));
}

TEST(VerifyCommand, RefusesOptionsOfAnotherForm) {
  EXPECT_THAT(usage_error("verify DIR --family mini-tiny"), HasSubstr("--golden"));
  EXPECT_THAT(usage_error("verify --tokenizer DIR"), HasSubstr("--cases"));
  EXPECT_THAT(usage_error("verify --cases FOLDER"), HasSubstr("--tokenizer"));
}

TEST(VerifyCommand, NamesTheComputeTypesThatThereAre) {
  EXPECT_THAT(usage_error("verify --golden SET --compute f16"), HasSubstr("{f32,bf16}"));
}

TEST(VerifyCommand, ComparesOnlyCheckpoints) {
  EXPECT_THAT(usage_error("verify --against none --golden SET"), HasSubstr("give its DIR"));
  EXPECT_THAT(usage_error("verify DIR --quantization int4"), HasSubstr("--against"));
  EXPECT_THAT(usage_error("verify DIR --max-kl 0.1"), HasSubstr("--against"));
  EXPECT_THAT(usage_error("verify DIR --threads 2"), HasSubstr("are for --golden and --against"));
  EXPECT_THAT(usage_error("verify DIR --against none --min-agreement 2"), HasSubstr("--min-agreement"));
  EXPECT_THAT(usage_error("verify DIR --against none --logits-memory 0"), HasSubstr("--logits-memory"));
}

TEST(VerifyCommand, ComparesACheckpointHoweverItIsNamed) {
  const std::string folder = SPYHOP_TEST_DATA "/mini-tiny/checkpoint";
  const std::string rest = " --against none --threads 2 --answer-tokens 0 --max-kl 0 --min-agreement 1";
  EXPECT_EQ(usage_error("verify " + folder + rest), "");
  EXPECT_EQ(usage_error("verify --model-path " + folder + rest), "");
  EXPECT_EQ(usage_error("verify " + folder + " --against f32 --threads 2 --answer-tokens 0 --max-kl 0"), "status 1");
}

TEST(VerifyCommand, EndsWithAStatusForACheckpointThatIsNotThere) {
  EXPECT_EQ(usage_error("verify /nonexistent/checkpoint"), "status 1");
}

TEST(VerifyCommand, SaysThatAFolderIsNoGoldenSet) {
  try {
    usage_error("verify --golden " SPYHOP_TEST_DATA "/images");
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("no manifest.json"));
  }
}

}  // namespace
}  // namespace spyhop
