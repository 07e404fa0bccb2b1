#include "cli/bench_serve_options.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "spyhop/error.h"

namespace spyhop {
namespace {

ServeBenchOptions parse(const std::string& flags) {
  CLI::App app;
  BenchServeOptions options;
  declare_bench_serve_options(app, options);
  app.parse(flags);
  return resolve(app, options);
}

TEST(bench_serve_options, AreVllmsDefaultsWithoutFlags) {
  const ServeBenchOptions options = parse("");
  EXPECT_EQ(options.mode, BenchMode::kLoad);
  EXPECT_EQ(options.workload.text.input_tokens, 1024u);
  EXPECT_EQ(options.workload.text.output_tokens, 128u);
  EXPECT_EQ(options.workload.num_prompts, 100u);
  EXPECT_EQ(options.load.arrivals.request_rate, 0);
  EXPECT_TRUE(options.workload.request.ignore_eos);
  EXPECT_TRUE(options.calibrate);
}

TEST(bench_serve_options, ChooseTheMeasurementAndItsDefaults) {
  const ServeBenchOptions sweep = parse("--sweep-concurrency 1,4,16 --num-prompts 8");
  EXPECT_EQ(sweep.mode, BenchMode::kSweep);
  EXPECT_EQ(sweep.sweep_concurrency, (std::vector<size_t>{1, 4, 16}));
  EXPECT_EQ(sweep.workload.num_prompts, 8u);
  const ServeBenchOptions interfere = parse("--interfere-image 1152x768 --random-input-len 9");
  EXPECT_EQ(interfere.mode, BenchMode::kInterfere);
  EXPECT_EQ(interfere.interfere_size.height, 768);
  EXPECT_EQ(interfere.workload.text.input_tokens, 9u);
  EXPECT_EQ(interfere.workload.text.output_tokens, 2048u);
  const ServeBenchOptions chats = parse("--multi-turn");
  EXPECT_EQ(chats.mode, BenchMode::kMultiTurn);
  EXPECT_EQ(chats.workload.num_prompts, 5u);
  EXPECT_THROW(parse("--multi-turn --sweep-concurrency 1"), Error);
}

TEST(bench_serve_options, RatesAreNumbersOrInfinite) {
  EXPECT_EQ(parse("--request-rate 2.5").load.arrivals.request_rate, 2.5);
  EXPECT_EQ(parse("--request-rate inf").load.arrivals.request_rate, 0);
  for (const char* flags : {"--request-rate 0", "--request-rate -1", "--request-rate nan", "--request-rate -inf"}) {
    EXPECT_THROW(parse(flags), Error) << flags;
  }
  EXPECT_THROW(parse("--request-rate fast"), CLI::ParseError);
}

TEST(bench_serve_options, AFileOfPromptsEndsAnswersWhereTheModelDoes) {
  const std::string file = SPYHOP_TEST_DATA "/manifest.json";
  EXPECT_FALSE(parse("--dataset-path " + file).workload.request.ignore_eos);
  EXPECT_EQ(parse("--dataset-path " + file).workload.num_prompts, 0u);
  EXPECT_TRUE(parse("--ignore-eos --dataset-path " + file).workload.request.ignore_eos);
  EXPECT_FALSE(parse("--no-ignore-eos").workload.request.ignore_eos);
}

TEST(bench_serve_options, AGivenImageIsOnePerPrompt) {
  const std::string image = SPYHOP_TEST_DATA "/images/exif6_320x200.jpg";
  EXPECT_EQ(parse("--image " + image).workload.images.num_images, 1u);
  EXPECT_EQ(parse("--num-images 3 --image " + image).workload.images.num_images, 3u);
  EXPECT_THROW(parse("--image " SPYHOP_TEST_DATA "/manifest.json"), Error);
  EXPECT_THROW(parse("--image-size 10"), Error);
}

}  // namespace
}  // namespace spyhop
