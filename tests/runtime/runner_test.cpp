#include "runtime/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "golden_case.h"
#include "spyhop/error.h"
#include "tensors.h"

namespace spyhop {
namespace {

using testing::golden_checkpoint;
using testing::max_difference;
using testing::random_tensor;

const std::vector<std::string> kFamilies = {"mini-tiny", "mini-small", "mini-base"};

RuntimeConfig f32_config() {
  RuntimeConfig config;
  config.compute = ComputeType::kF32;
  config.kv_cache_tokens = 1024;
  config.num_threads = 1;  // these models are too small to share out
  return config;
}

std::unique_ptr<Runner> load(const std::string& family, const RuntimeConfig& config = f32_config()) {
  const std::string dir = golden_checkpoint(family);
  return make_runner(dir, load_model_config(dir), config);
}

std::vector<int32_t> some_tokens(int count) {
  std::vector<int32_t> ids;
  for (int i = 0; i < count; ++i) ids.push_back((i * 389 + 17) % 1700);
  return ids;
}

/// Blocks first, first + 1, ... for `num_tokens`.
std::vector<int32_t> blocks_from(int first, int num_tokens) {
  std::vector<int32_t> table;
  for (int i = 0; i < (num_tokens + 15) / 16; ++i) table.push_back(first + i);
  return table;
}

SequenceChunk chunk_of(const std::vector<int32_t>& ids, int begin, int end, const std::vector<int32_t>& table) {
  SequenceChunk chunk;
  chunk.token_ids.assign(ids.begin() + begin, ids.begin() + end);
  chunk.first_position = begin;
  chunk.block_table = table;
  return chunk;
}

at::Tensor all_logits(Runner& runner, const SequenceChunk& chunk) {
  ForwardTrace trace;
  runner.run({chunk}, &trace);
  return trace.logits;
}

// Sums of another order: two f32 implementations of the original differ by up to 1.2e-4 in some logit.
constexpr double kReordered = 1e-4;

TEST(Runner, ChunkedPrefillEqualsWholePrefill) {
  for (const std::string& family : kFamilies) {
    const auto runner = load(family);
    const std::vector<int32_t> ids = some_tokens(90);
    const at::Tensor whole = all_logits(*runner, chunk_of(ids, 0, 90, blocks_from(0, 90)));
    for (const std::vector<int>& ends : std::vector<std::vector<int>>{{1, 90}, {30, 31, 64, 90}, {89, 90}}) {
      std::vector<at::Tensor> parts;
      int begin = 0;
      for (const int end : ends) {
        parts.push_back(all_logits(*runner, chunk_of(ids, begin, end, blocks_from(20, 90))));
        begin = end;
      }
      EXPECT_LT(max_difference(at::cat(parts), whole), kReordered) << family;
    }
  }
}

TEST(Runner, TokenByTokenEqualsRecomputation) {
  for (const std::string& family : kFamilies) {
    const auto runner = load(family);
    const std::vector<int32_t> ids = some_tokens(40);
    const at::Tensor whole = all_logits(*runner, chunk_of(ids, 0, 40, blocks_from(0, 40)));
    for (int i = 0; i < 40; ++i) {
      const at::Tensor one = all_logits(*runner, chunk_of(ids, i, i + 1, blocks_from(10, 40)));
      ASSERT_LT(max_difference(one[0], whole[i]), kReordered) << family << " " << i;
    }
  }
}

TEST(Runner, ABatchOfSequencesEqualsEachAlone) {
  for (const std::string& family : kFamilies) {
    const auto runner = load(family);
    const std::vector<int32_t> ids = some_tokens(60);
    const at::Tensor alone_a = all_logits(*runner, chunk_of(ids, 0, 23, blocks_from(0, 23)));
    const at::Tensor alone_b = all_logits(*runner, chunk_of(ids, 0, 60, blocks_from(2, 60)));
    runner->run({chunk_of(ids, 0, 22, blocks_from(10, 23)), chunk_of(ids, 0, 31, blocks_from(20, 60))});
    ForwardTrace trace;
    runner->run({chunk_of(ids, 22, 23, blocks_from(10, 23)), chunk_of(ids, 31, 60, blocks_from(20, 60))}, &trace);
    EXPECT_LT(max_difference(trace.logits[0], alone_a[22]), kReordered) << family;
    EXPECT_LT(max_difference(trace.logits.narrow(0, 1, 29), alone_b.narrow(0, 31, 29)), kReordered) << family;
  }
}

TEST(Runner, SharedBlocksServeTwoSequences) {
  const auto runner = load("mini-small");
  const std::vector<int32_t> ids = some_tokens(40);
  runner->run({chunk_of(ids, 0, 32, blocks_from(0, 32))});
  const at::Tensor expected = all_logits(*runner, chunk_of(ids, 0, 40, blocks_from(10, 40)));
  const at::Tensor first = all_logits(*runner, chunk_of(ids, 32, 40, {0, 1, 5}));
  const at::Tensor second = all_logits(*runner, chunk_of(ids, 32, 40, {0, 1, 6}));
  EXPECT_LT(max_difference(first, expected.narrow(0, 32, 8)), kReordered);
  EXPECT_TRUE(at::equal(first, second));
}

TEST(Runner, FeaturesReplaceTheEmbeddingsOfTheirRows) {
  const auto runner = load("mini-base");
  SequenceChunk chunk = chunk_of(some_tokens(20), 0, 20, blocks_from(0, 20));
  const at::Tensor first = random_tensor({3, 112}, 1);
  const at::Tensor second = random_tensor({2, 112}, 2);
  ForwardTrace plain;
  runner->run({chunk}, &plain);
  chunk.features = {{4, first}, {18, second}};
  ForwardTrace trace;
  runner->run({chunk}, &trace);
  EXPECT_TRUE(at::equal(trace.inputs_embeds.narrow(0, 4, 3), first));
  EXPECT_TRUE(at::equal(trace.inputs_embeds.narrow(0, 18, 2), second));
  EXPECT_TRUE(at::equal(trace.inputs_embeds.narrow(0, 0, 4), plain.inputs_embeds.narrow(0, 0, 4)));
  EXPECT_TRUE(at::equal(trace.inputs_embeds.narrow(0, 7, 11), plain.inputs_embeds.narrow(0, 7, 11)));
}

TEST(Runner, SamplesOnlyWhereASamplerIs) {
  const auto runner = load("mini-tiny");
  SamplingParams params;
  params.temperature = 0;
  SequenceSampler sampler(params, {}, 2048, 0);
  std::vector<SequenceChunk> chunks = {chunk_of(some_tokens(8), 0, 8, blocks_from(0, 8)),
                                       chunk_of(some_tokens(5), 0, 5, blocks_from(4, 5))};
  chunks[1].sampler = &sampler;
  ForwardTrace trace;
  const auto tokens = runner->run(chunks, &trace);
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_FALSE(tokens[0].has_value());
  ASSERT_TRUE(tokens[1].has_value());
  EXPECT_EQ(tokens[1]->id, trace.logits[12].argmax().item<int64_t>());
  EXPECT_EQ(runner->run(chunks)[1]->id, tokens[1]->id);  // without a trace the head runs over one row
  EXPECT_TRUE(runner->run({}).empty());
}

TEST(Runner, AChunkWithoutAFiniteLogitGetsNoTokenAndTheOthersGetTheirs) {
  const auto runner = load("mini-base");
  SamplingParams params;
  params.temperature = 0;
  SequenceSampler broken(params, {}, 1856, 0);
  SequenceSampler sound(params, {}, 1856, 0);
  SequenceChunk nan = chunk_of(some_tokens(3), 0, 3, blocks_from(0, 3));
  nan.features = {{0, at::full({3, 112}, std::nan(""))}};
  nan.sampler = &broken;
  SequenceChunk good = chunk_of(some_tokens(5), 0, 5, blocks_from(4, 5));
  good.sampler = &sound;
  const auto tokens = runner->run({nan, good});
  EXPECT_FALSE(tokens[0].has_value());
  EXPECT_EQ(tokens[1]->id, runner->run({good})[0]->id);
}

TEST(Runner, SamplersOfAStepGiveWhatTheyGiveAlone) {
  RuntimeConfig config = f32_config();
  config.num_threads = 4;
  const auto runner = load("mini-tiny", config);
  const auto alone = load("mini-tiny");
  constexpr int kNumSequences = 9;
  const auto samplers = [] {
    std::vector<SequenceSampler> result;
    for (int i = 0; i < kNumSequences; ++i) {
      SamplingParams params;
      params.top_p = i % 2 == 0 ? 1.0 : 0.9;
      params.top_k = i % 3 == 0 ? 40 : 0;
      params.frequency_penalty = 0.1 * i;
      result.emplace_back(params, std::vector<int32_t>{}, 2048, /*seed=*/static_cast<uint64_t>(i));
    }
    return result;
  };
  std::vector<SequenceSampler> together = samplers();
  std::vector<SequenceSampler> single = samplers();
  for (int step = 0; step < 20; ++step) {
    std::vector<SequenceChunk> chunks;
    for (int i = 0; i < kNumSequences; ++i) {
      chunks.push_back(chunk_of(some_tokens(i + 1), 0, i + 1, blocks_from(i, i + 1)));
      if (i != 4) chunks.back().sampler = &together[static_cast<size_t>(i)];
    }
    const auto tokens = runner->run(chunks);
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (i == 4) {
        EXPECT_FALSE(tokens[i].has_value());
        continue;
      }
      chunks[i].sampler = &single[i];
      EXPECT_EQ(tokens[i]->id, alone->run({chunks[i]})[0]->id) << i;
    }
  }
}

TEST(Runner, TracesEveryLayerAndRouter) {
  const auto runner = load("mini-base");
  ForwardTrace trace;
  runner->run({chunk_of(some_tokens(7), 0, 7, blocks_from(0, 7))}, &trace);
  ASSERT_EQ(trace.layers.size(), 5U);
  ASSERT_EQ(trace.topk_ids.size(), 4U);
  ASSERT_EQ(trace.topk_weights.size(), 4U);
  EXPECT_EQ(trace.inputs_embeds.sizes(), (std::vector<int64_t>{7, 112}));
  EXPECT_EQ(trace.layers[4].sizes(), (std::vector<int64_t>{7, 112}));
  EXPECT_EQ(trace.topk_ids[0].sizes(), (std::vector<int64_t>{7, 6}));
  EXPECT_EQ(trace.logits.sizes(), (std::vector<int64_t>{7, 1856}));
  EXPECT_GT(max_difference(trace.layers[0], trace.layers[1]), 0.0);
}

TEST(Runner, RunsOnAnotherThreadThanItWasLoadedOn) {
  const auto runner = load("mini-tiny");
  const SequenceChunk chunk = chunk_of(some_tokens(30), 0, 30, blocks_from(0, 30));
  const at::Tensor here = all_logits(*runner, chunk);
  at::Tensor there;
  std::thread([&] { there = all_logits(*runner, chunk); }).join();
  EXPECT_TRUE(at::equal(here, there));
}

TEST(Runner, GivesTheSameOnAnyNumberOfThreads) {
  RuntimeConfig config = f32_config();
  const SequenceChunk chunk = chunk_of(some_tokens(200), 0, 200, blocks_from(0, 200));
  const at::Tensor one = all_logits(*load("mini-small", config), chunk);
  for (const int num_threads : {0, 2, 3}) {
    config.num_threads = num_threads;
    EXPECT_LT(max_difference(all_logits(*load("mini-small", config), chunk), one), kReordered) << num_threads;
  }
}

TEST(Runner, EncodesTilesAloneOrInBatchesAlike) {
  RuntimeConfig batched = f32_config();
  batched.vision_batch = 2;
  const at::Tensor pixels = random_tensor({3, 3, 90, 90}, 5);
  VisionTrace one;
  VisionTrace two;
  const at::Tensor features = load("mini-base")->encode_tiles(pixels, &one);
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{3, 9, 112}));
  EXPECT_LT(max_difference(load("mini-base", batched)->encode_tiles(pixels, &two), features), 1e-5);
  EXPECT_EQ(one.patch_embed.sizes(), (std::vector<int64_t>{3, 36, 56}));
  EXPECT_LT(max_difference(one.vision_out, two.vision_out), 1e-5);
  EXPECT_LT(max_difference(one.projector_out, features), 1e-9);
}

TEST(Runner, EncodesInSlicesOfLayersBitForBitAsAtOnce) {
  for (const ComputeType compute : {ComputeType::kF32, ComputeType::kBf16}) {
    RuntimeConfig config = f32_config();
    config.compute = compute;
    const auto runner = load("mini-base", config);
    const at::Tensor pixels = random_tensor({2, 3, 90, 90}, 7);
    const at::Tensor whole = runner->encode_tiles(pixels.narrow(0, 0, 1));
    for (const int num_layers : {1, 2, 3, 100}) {
      TileEncoding tiles = runner->begin_tiles(pixels.narrow(0, 0, 1));
      TileEncoding others = runner->begin_tiles(pixels.narrow(0, 1, 1));
      while (!tiles.done()) {
        runner->advance_tiles(tiles, num_layers);
        runner->advance_tiles(others, 1);
        runner->run({chunk_of(some_tokens(9), 0, 9, blocks_from(0, 9))});
      }
      EXPECT_TRUE(at::equal(tiles.features, whole)) << num_layers;
    }
  }
}

TEST(Runner, CountsPatchesEveryBlockAndTheProjectorAsLayers) {
  const auto runner = load("mini-base");
  const int num_layers = runner->config().vision.num_layers + 2;
  TileEncoding tiles = runner->begin_tiles(random_tensor({1, 3, 90, 90}, 8));
  EXPECT_EQ(tiles.num_layers, num_layers);
  for (int i = 1; i <= num_layers; ++i) {
    EXPECT_FALSE(tiles.features.defined());
    runner->advance_tiles(tiles, 1);
    EXPECT_EQ(tiles.num_done, i);
  }
  EXPECT_TRUE(tiles.done());
  EXPECT_EQ(tiles.features.sizes(), (std::vector<int64_t>{1, 9, 112}));
  runner->advance_tiles(tiles, 5);
  EXPECT_EQ(tiles.num_done, num_layers);
}

TEST(Runner, ArrangesTilesRowByRowAcrossTheCanvas) {
  const auto runner = load("mini-base");  // 3 x 3 tokens a tile
  at::Tensor tiles = at::zeros({7, 9, 112});
  for (int64_t tile = 0; tile < 7; ++tile) {
    for (int64_t token = 0; token < 9; ++token) tiles[tile][token].fill_(static_cast<double>(10 * tile + token + 1));
  }
  const at::Tensor rows = runner->arrange_image(tiles, 3, 2);
  ASSERT_EQ(rows.sizes(), (std::vector<int64_t>{12 + 1 + 6 * 10, 112}));
  const auto value = [&rows](int64_t row) { return rows[row][5].item<float>(); };
  EXPECT_EQ(value(0), 1);
  EXPECT_EQ(value(4), 4);  // behind the first newline
  const at::Tensor newline = rows[3];
  const at::Tensor separator = rows[12];
  EXPECT_FALSE(at::equal(newline, separator));
  for (const int64_t row : {7, 11, 22, 32, 72}) EXPECT_TRUE(at::equal(rows[row], newline)) << row;
  const std::vector<float> first_local_row = {11, 12, 13, 21, 22, 23, 31, 32, 33};
  for (size_t i = 0; i < first_local_row.size(); ++i) EXPECT_EQ(value(13 + static_cast<int64_t>(i)), first_local_row[i]);
  EXPECT_EQ(value(13 + 30), 41);  // the second row of tiles
  EXPECT_EQ(value(71), 69);
}

TEST(Runner, PutsTheGlobalViewLastWhereTheConfigSaysSo) {
  const std::string dir = golden_checkpoint("mini-base");
  ModelConfig config = load_model_config(dir);
  const at::Tensor tiles = random_tensor({3, 9, 112}, 6);
  const at::Tensor head = make_runner(dir, config, f32_config())->arrange_image(tiles, 2, 1);
  config.processor.global_view_first = false;
  const at::Tensor tail = make_runner(dir, config, f32_config())->arrange_image(tiles, 2, 1);
  EXPECT_TRUE(at::equal(tail.narrow(0, 0, 21), head.narrow(0, 13, 21)));
  EXPECT_TRUE(at::equal(tail[21], head[12]));
  EXPECT_TRUE(at::equal(tail.narrow(0, 22, 12), head.narrow(0, 0, 12)));
}

TEST(Runner, ReservesTwoContextsWhereThereIsMemoryUnlessToldOtherwise) {
  RuntimeConfig config;
  config.kv_block_size = 48;
  EXPECT_EQ(load("mini-tiny", config)->num_kv_blocks(), (2 * 4096 + 47) / 48);
  config.kv_cache_tokens = 50;
  EXPECT_EQ(load("mini-tiny", config)->num_kv_blocks(), 2);
  EXPECT_EQ(load("mini-tiny", config)->kv_block_size(), 48);
}

TEST(Runner, RefusesCallsThatDoNotFit) {
  const auto runner = load("mini-tiny");
  const auto refuses = [&runner](SequenceChunk chunk) {
    try {
      runner->run({std::move(chunk)});
      return false;
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInternal;
    }
  };
  const SequenceChunk good = chunk_of(some_tokens(20), 0, 20, {0, 1});
  SequenceChunk bad = good;
  bad.block_table = {0};
  EXPECT_TRUE(refuses(bad));
  bad.block_table = {0, runner->num_kv_blocks()};
  EXPECT_TRUE(refuses(bad));
  bad.block_table = {0, -1};
  EXPECT_TRUE(refuses(bad));
  bad = good;
  bad.token_ids[3] = 2048;
  EXPECT_TRUE(refuses(bad));
  bad.token_ids.clear();
  EXPECT_TRUE(refuses(bad));
  bad = good;
  bad.first_position = -1;
  EXPECT_TRUE(refuses(bad));
  bad = good;
  bad.features = {{18, at::ones({3, 96})}};
  EXPECT_TRUE(refuses(bad));
  bad.features = {{0, at::ones({3, 95})}};
  EXPECT_TRUE(refuses(bad));
  EXPECT_THROW(runner->encode_tiles(at::ones({1, 3, 100, 384})), Error);
  EXPECT_THROW(runner->begin_tiles(at::ones({3, 90, 90})), Error);
  EXPECT_THROW(runner->arrange_image(at::ones({2, 196, 96}), 2, 1), Error);
  EXPECT_FALSE(refuses(good));
}

TEST(MakeRunner, RefusesSettingsThatNoMachineCanServe) {
  const auto message = [](const RuntimeConfig& config) -> std::string {
    try {
      load("mini-tiny", config);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
      return error.what();
    }
  };
  RuntimeConfig config;
  config.kv_block_size = 24;
  EXPECT_EQ(message(config), "kv_block_size is 24; allowed: multiples of 16");
  config = {};
  config.kv_cache_tokens = -5;
  EXPECT_EQ(message(config), "kv_cache_tokens is -5; allowed: 0 or more");
  config = {};
  config.device = DeviceType::kCuda;
  EXPECT_EQ(message(config), "device is cuda, but this build has no CUDA; allowed: cpu");
  config = {};
  config.kv_cache_tokens = int64_t{1} << 50;
  EXPECT_THAT(message(config), ::testing::StartsWith("kv_cache_tokens is 1125899906842624: 1125899906842624 tokens take "));
  config.kv_cache_tokens = int64_t{1} << 33;  // few enough blocks, too much memory
  config.kv_block_size = 1024;
  EXPECT_THAT(message(config), ::testing::HasSubstr(" TiB; available: "));
  config = {};
  config.kv_cache_tokens = 100;
  config.kv_cache_bytes = 1 << 20;
  EXPECT_EQ(message(config), "kv_cache_tokens is 100 and kv_cache_memory 1048576; allowed: one of the two");
}

TEST(MakeRunner, MakesUpWeightsWithoutFiles) {
  RuntimeConfig config;
  config.load_format = LoadFormat::kDummy;
  const auto runner = make_runner("", load_model_config(golden_checkpoint("mini-small")), config);
  ForwardTrace trace;
  runner->run({chunk_of(some_tokens(10), 0, 10, blocks_from(0, 10))}, &trace);
  EXPECT_TRUE(at::isfinite(trace.logits).all().item<bool>());
}

}  // namespace
}  // namespace spyhop
