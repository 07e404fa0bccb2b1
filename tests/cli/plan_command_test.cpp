#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct Outcome {
  std::string output;
  std::string error;  // how the command ended; "" when it went well
};

Outcome run(const std::string& arguments) {
  CLI::App app;
  add_plan_command(app);
  Outcome outcome;
  ::testing::internal::CaptureStdout();
  try {
    app.parse(arguments);
  } catch (const CLI::RuntimeError& e) {
    outcome.error = "status " + std::to_string(e.get_exit_code());
  } catch (const CLI::ParseError& e) {
    outcome.error = e.what();
  } catch (const Error& e) {
    outcome.error = e.what();
  }
  outcome.output = ::testing::internal::GetCapturedStdout();
  return outcome;
}

TEST(PlanCommand, ShowsEveryPartAndTheVerdict) {
  const Outcome outcome = run("plan -s 27 -q int4 --memory 24GiB");
  EXPECT_EQ(outcome.error, "");
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("deepseek-vl2 27: bf16 arithmetic, quantization int4, context 4096"), HasSubstr("routed_experts"),
                    HasSubstr("33.8 KiB a token, 135.0 MiB a context"), HasSubstr("total"), HasSubstr("24.0 GiB  it fits")));
}

TEST(PlanCommand, EndsWithAStatusAndAdviceWhereTheModelDoesNotFit) {
  const Outcome outcome = run("plan -s 27 --memory 24GiB");
  EXPECT_EQ(outcome.error, "status 1");
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("it does not fit"), HasSubstr("what would do:\n  --quantization int4 needs 1")));
}

TEST(PlanCommand, WritesJson) {
  const json result = json::parse(run("plan -s 3 --memory 24GiB --json").output);
  EXPECT_EQ(result.at("kv_cache").at("bytes_per_token"), 61440);
  EXPECT_EQ(result.at("fits"), true);
  EXPECT_EQ(result.at("available_bytes"), int64_t{24} << 30);
  int64_t sum = 0;
  for (const json& kind : result.at("weights").at("kinds")) sum += kind.at("bytes").get<int64_t>();
  EXPECT_EQ(result.at("weights").at("bytes"), sum);
  EXPECT_NEAR(result.at("weight_bytes_per_decoded_token").get<double>(), 1.148e9, 0.01e9);
}

TEST(PlanCommand, TakesACheckpoint) {
  const json result = json::parse(run("plan --model-path " SPYHOP_TEST_DATA "/mini-small/checkpoint --json").output);
  EXPECT_EQ(result.at("model"), SPYHOP_TEST_DATA "/mini-small/checkpoint");
  EXPECT_LT(result.at("weights").at("bytes"), 10'000'000);
}

TEST(PlanCommand, TakesTheFlagsOfCalModelMem) {
  const Outcome outcome =
      run("cal-model-mem -n deepseek-vl2 -s 16 -f pytorch -q Int8 -c 2048 --kv-cache-dtype 16 --memory 24GiB --json");
  EXPECT_EQ(outcome.error, "");
  const json result = json::parse(outcome.output);
  EXPECT_EQ(result.at("context"), 2048);
  EXPECT_EQ(result.at("quantization"), "int8");
}

TEST(PlanCommand, RefusesWhatItCannotPlan) {
  EXPECT_THAT(run("plan").error, HasSubstr("plan needs --size-in-billions 3, 16 or 27, or the --model-path"));
  EXPECT_THAT(run("plan -s 7").error, AllOf(HasSubstr("7"), HasSubstr("27")));
  EXPECT_THAT(run("plan -s 3 -n llama").error, AllOf(HasSubstr("llama"), HasSubstr("deepseek-vl2")));
  EXPECT_THAT(run("plan -s 3 -q int3").error, HasSubstr("int3"));
  EXPECT_THAT(run("plan -s 3 -f ggufv2").error, HasSubstr("{pytorch,safetensors}"));
  EXPECT_THAT(run("plan -s 3 --kv-cache-dtype 8").error, HasSubstr("{16,32}"));
  EXPECT_THAT(run("plan -s 3 --kv-cache-dtype 32").error, HasSubstr("with --compute bf16 allowed: 16"));
  EXPECT_EQ(run("plan -s 3 --compute f32 --kv-cache-dtype 32 --memory 1TiB").error, "");
  EXPECT_THAT(run("plan -s 3 -c 8192").error, HasSubstr("--max-model-len is 8192; this model allows 1 to 4096"));
  EXPECT_THAT(run("plan -s 3 --memory 24G").error, HasSubstr("\"24G\" is no size"));
  EXPECT_THAT(run("plan -s 3 --model-path " SPYHOP_TEST_DATA).error, HasSubstr("excludes"));
  EXPECT_THAT(run("plan -s 3 --kv-cache-tokens 100").error, HasSubstr("at least 4096 must fit"));
}

}  // namespace
}  // namespace spyhop
