#include "measure/random_decode.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "measure/throughput_bench.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

std::string checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

RuntimeConfig small_runtime() {
  RuntimeConfig runtime;
  runtime.num_threads = 1;
  return runtime;
}

std::unique_ptr<Runner> load(const std::string& family, RuntimeConfig runtime, int64_t cache_tokens) {
  runtime.kv_cache_tokens = cache_tokens;
  return make_runner(checkpoint(family), load_model_config(checkpoint(family)), runtime);
}

TEST(RandomDecode, OneSequenceGoesToAsManyExpertsAsATokenTakes) {
  for (const std::string family : {"mini-tiny", "mini-small", "mini-base"}) {
    const DecodePlan plan{1, 20, 4};
    const auto runner = load(family, small_runtime(), cache_tokens(plan, 16));
    const DecodeTraffic traffic = RandomDecode(*runner, plan).count();
    EXPECT_DOUBLE_EQ(traffic.distinct_experts_per_layer, runner->config().language.num_experts_per_token) << family;
    EXPECT_DOUBLE_EQ(traffic.positions, (21 + 22 + 23 + 24) / 4.0) << family;
  }
}

TEST(RandomDecode, SeveralSequencesShareSomeExperts) {
  const DecodePlan plan{8, 0, 6};
  const auto runner = load("mini-tiny", small_runtime(), cache_tokens(plan, 16));
  RandomDecode decode(*runner, plan);
  const DecodeTraffic traffic = decode.count();
  const LanguageConfig& config = runner->config().language;
  EXPECT_GT(traffic.distinct_experts_per_layer, config.num_experts_per_token);
  EXPECT_LE(traffic.distinct_experts_per_layer, *config.num_routed_experts);
  EXPECT_DOUBLE_EQ(traffic.positions, 8 * 3.5);
  decode.run();
  EXPECT_EQ(decode.count().distinct_experts_per_layer, traffic.distinct_experts_per_layer);  // every run reads the same
}

TEST(RandomDecode, TokensAreReproducibleAndWithinTheVocabulary) {
  const std::vector<int32_t> tokens = random_tokens(1000, 300, 1);
  EXPECT_EQ(tokens, random_tokens(1000, 300, 1));
  EXPECT_NE(tokens, random_tokens(1000, 300, 2));
  const std::set<int32_t> distinct(tokens.begin(), tokens.end());
  EXPECT_GE(*distinct.begin(), 0);
  EXPECT_LT(*distinct.rbegin(), 300);
  EXPECT_GT(distinct.size(), 200U);
}

TEST(ThroughputBench, TheCacheHoldsTheLargestOfWhatIsMeasured) {
  ThroughputOptions options;
  options.prefill = {100};
  options.batches = {1, 3};
  options.num_steps = 20;
  options.depth = 15;
  EXPECT_EQ(throughput_cache_tokens(options, 16), 3 * 48);
  options.prefill = {200};
  EXPECT_EQ(throughput_cache_tokens(options, 16), 208);
}

TEST(ThroughputBench, PromptsAndGenerationGiveTwoLinesEach) {
  ThroughputOptions options;
  options.prefill = {0, 32};
  options.batches = {1, 2};
  options.num_steps = 3;
  options.pairs = {2, 0};
  RuntimeConfig runtime = small_runtime();
  runtime.kv_cache_tokens = throughput_cache_tokens(options, runtime.kv_block_size);
  const auto runner = load("mini-tiny", runtime, runtime.kv_cache_tokens);
  ThreadPool pool(1);
  const UsePool use_pool(pool);
  const MachineProbe probe;
  std::vector<Measurement> lines;
  bench_throughput({*runner, runtime, probe}, options, [&](const Measurement& line) { lines.push_back(line); });
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0].name, "prefill 32");
  EXPECT_EQ(lines[0].unit, "tok/s");
  EXPECT_EQ(lines[1].unit, "GFLOP/s");
  EXPECT_EQ(lines[2].name, "decode x1");
  EXPECT_EQ(lines[3].unit, "GB/s");
  EXPECT_EQ(lines[4].name, "decode x2");
  for (const Measurement& line : lines) {
    EXPECT_GT(line.value, 0) << line.name;
    EXPECT_GT(line.limit, 0) << line.name;
    EXPECT_GT(line.ratio, 0) << line.name;
  }
}

class CountingDisturbance : public Disturbance {
 public:
  std::string name() const override { return "nothing"; }
  void begin() override { ++begun; }
  void end() override { ++ended; }
  int begun = 0;
  int ended = 0;
};

TEST(ThroughputBench, ADisturbanceIsThereForOneHalfOfEachPair) {
  ThroughputOptions options;
  options.prefill = {};
  options.num_steps = 2;
  options.pairs = {3, 0};
  const RuntimeConfig runtime = small_runtime();
  const auto runner = load("mini-tiny", runtime, throughput_cache_tokens(options, 16));
  ThreadPool pool(1);
  const UsePool use_pool(pool);
  const MachineProbe probe;
  CountingDisturbance disturbance;
  std::vector<Measurement> lines;
  bench_disturbed({*runner, runtime, probe}, options, disturbance, [&](const Measurement& line) { lines.push_back(line); });
  EXPECT_EQ(disturbance.begun, 3);
  EXPECT_EQ(disturbance.ended, 3);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].name, "decode x1 beside nothing");
  EXPECT_GT(lines[0].ratio, 0);
}

}  // namespace
}  // namespace spyhop
