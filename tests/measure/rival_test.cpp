#include "measure/rival.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "runtime/thread_pool.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

RivalPair quiet_pair(double ours, double rivals) {
  RivalPair pair;
  pair.name = "decode x1";
  pair.ours = ours;
  pair.rivals = rivals;
  pair.read_before = 40e9;
  pair.read_after = 42e9;
  pair.others_cores = 0.02;
  return pair;
}

TEST(Rival, OnlyQuietPairsCountWhereThereAreSome) {
  RivalPair beside_others = quiet_pair(90, 1);
  beside_others.others_cores = 1;
  RivalPair changed = quiet_pair(90, 1);
  changed.read_after = 75e9;
  const Measurement line = summarize({quiet_pair(30, 20), beside_others, quiet_pair(36, 20), changed, quiet_pair(33, 20)});
  EXPECT_EQ(line.name, "decode x1 / rival");
  EXPECT_EQ(line.num_pairs, 5);
  EXPECT_EQ(line.num_quiet, 3);
  EXPECT_DOUBLE_EQ(line.ratio, 1.65);
  EXPECT_DOUBLE_EQ(line.value, 33);
  EXPECT_DOUBLE_EQ(summarize({beside_others, beside_others}).ratio, 90);
}

TEST(Rival, AnswersLineByLine) {
  Rival rival("sh -c 'echo ready; while read kind rest; do case $kind in prefill) echo 500;; decode) echo 25.5;; esac; done'");
  EXPECT_DOUBLE_EQ(rival.prefill(512), 500);
  EXPECT_DOUBLE_EQ(rival.decode({4, 0, 8}), 25.5);
}

TEST(Rival, WhatItSaysInPlaceOfARateIsTold) {
  const auto message_of = [](const std::string& command) -> std::string {
    try {
      Rival rival(command);
      rival.prefill(1);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  using testing::HasSubstr;
  EXPECT_THAT(message_of("echo no model"), HasSubstr("not ready: no model"));
  EXPECT_THAT(message_of("true"), HasSubstr("not ready: it ended"));
  EXPECT_THAT(message_of("sh -c 'echo ready; read line; echo error out of memory'"), HasSubstr("error out of memory"));
  EXPECT_THAT(message_of("sh -c 'echo ready; read line; echo nan'"), HasSubstr("is no rate: nan"));
  EXPECT_THAT(message_of("sh -c 'echo ready; read line'"), HasSubstr("it ended"));
}

TEST(Rival, BothAreMeasuredInTurns) {
  ThroughputOptions options;
  options.prefill = {16};
  options.num_steps = 2;
  options.pairs = {2, 0};
  RuntimeConfig runtime;
  runtime.num_threads = 1;
  runtime.kv_cache_tokens = throughput_cache_tokens(options, runtime.kv_block_size);
  const std::string dir = std::string(SPYHOP_TEST_DATA) + "/mini-tiny/checkpoint";
  const std::unique_ptr<Runner> runner = make_runner(dir, load_model_config(dir), runtime);
  ThreadPool pool(1);
  const UsePool use_pool(pool);
  const MachineProbe probe;
  Rival rival("sh -c 'echo ready; while read line; do echo 100; done'");
  std::vector<RivalPair> pairs;
  std::vector<Measurement> lines;
  bench_rival({*runner, runtime, probe}, options, rival,
              {[&](const RivalPair& pair) { pairs.push_back(pair); }, [&](const Measurement& line) { lines.push_back(line); }});
  ASSERT_EQ(pairs.size(), 4U);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].name, "prefill 16 / rival");
  EXPECT_DOUBLE_EQ(lines[0].limit, 100);
  EXPECT_GT(pairs[0].ours, 0);
  EXPECT_GT(pairs[0].read_before, 0);
  EXPECT_GT(pairs[0].read_after, 0);
}

}  // namespace
}  // namespace spyhop
