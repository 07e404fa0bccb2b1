// What an engine must survive: full caches, requests that throw, clients that vanish.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine_fixture.h"

namespace spyhop {
namespace {

using Streams = std::vector<std::unique_ptr<ResponseStream>>;

class EngineLoadTest : public EngineTest {
 protected:
  static constexpr int kContext = 512;  // of the fixture

  static bool holds(const SequenceChunk& chunk, int32_t token) {
    return std::find(chunk.token_ids.begin(), chunk.token_ids.end(), token) != chunk.token_ids.end();
  }

  bool is_idle() const { return engine_->stats().num_running == 0 && engine_->stats().num_waiting == 0; }

  /// Answers only if every block of a cache of one context is free.
  void expect_all_blocks_free(const std::string& answer) {
    const int room = kContext - 9 - static_cast<int>(answer.size()) - 1;
    EXPECT_EQ(collect(*engine_->submit(ask(std::string(static_cast<size_t>(room), 'q')))).texts[0], answer);
  }
};

TEST_F(EngineLoadTest, OfABatchThatThrowsOnlyTheRequestAtFaultFails) {
  start("answer", [this](FakeRunner& runner) {
    runner.on_run = [this](const std::vector<SequenceChunk>& chunks) {
      while (!open_) std::this_thread::sleep_for(milliseconds(1));
      for (const SequenceChunk& chunk : chunks) {
        if (holds(chunk, '!')) throw std::bad_alloc();
      }
    };
  });
  Streams streams;
  for (int i = 0; i < 7; ++i) streams.push_back(engine_->submit(ask(i == 3 ? "bad!" : "good")));
  open_ = true;
  for (size_t i = 0; i < streams.size(); ++i) {
    const Collected got = collect(*streams[i]);
    EXPECT_EQ(got.error.has_value(), i == 3) << i;
    if (i == 3) {
      EXPECT_EQ(got.error->message, "out of memory");
    } else {
      EXPECT_EQ(got.texts.at(0), "answer") << i;
    }
  }
}

TEST_F(EngineLoadTest, ARequestThatThrowsInTheMiddleOfItsAnswersLeavesTheOthersAlone) {
  start("abcdef", [](FakeRunner& runner) {
    runner.on_run = [](const std::vector<SequenceChunk>& chunks) {
      for (const SequenceChunk& chunk : chunks) {
        if (chunk.first_position == 30 && holds(chunk, 'c')) throw std::runtime_error("nothing goes at 30");
      }
    };
  });
  // 9 tokens of template: the third letter of the answer comes at position 11 + the prompt's length.
  ChatRequest bad = ask(std::string(20, 'x'));
  bad.n = 3;
  const auto first = engine_->submit(ask("fine"));
  const auto second = engine_->submit(bad);
  const auto third = engine_->submit(ask("fine, too"));
  EXPECT_EQ(collect(*first).texts.at(0), "abcdef");
  const Collected failed = collect(*second);
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->message, "nothing goes at 30");
  EXPECT_EQ(collect(*third).texts.at(0), "abcdef");
}

TEST_F(EngineLoadTest, TwoHundredWaitForAFullCacheAndAllFinish) {
  const std::string answer = "a long answer that takes several blocks of sixteen tokens each, one after the other, to its end";
  num_blocks_ = kContext / 16;
  config_.max_num_seqs = 32;
  config_.max_queue = 200;
  start(answer);
  Streams streams;
  for (int i = 0; i < 200; ++i) {
    ChatRequest request = ask(std::string(static_cast<size_t>(1 + i * 37 % 250), 'q'));
    request.n = i % 20 == 0 ? 3 : 1;
    request.priority = i % 3;
    streams.push_back(engine_->submit(request));
  }
  for (const auto& stream : streams) {
    const Collected got = collect(*stream);
    ASSERT_TRUE(got.usage) << (got.error ? got.error->message : "no end");
    for (const auto& [choice, text] : got.texts) ASSERT_EQ(text, answer) << choice;
  }
  expect_all_blocks_free(answer);
}

TEST_F(EngineLoadTest, FiveHundredClientsVanishAndNothingIsLeftOfThem) {
  num_blocks_ = kContext / 16;
  config_.max_num_seqs = 64;
  config_.max_queue = 500;
  config_.prefix_caching = true;
  const std::string answer(100, 'x');
  start(answer, [](FakeRunner& runner) {
    runner.on_run = [](const std::vector<SequenceChunk>&) { std::this_thread::sleep_for(std::chrono::microseconds(200)); };
  });
  const auto num_threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  const auto come_and_go = [this](unsigned seed) {
    Streams streams;
    for (int i = 0; i < 500; ++i) {
      ChatRequest request = i % 10 == 0 ? ask_about_image() : ask("question " + std::to_string(i));
      request.n = 1 + i % 50 / 49;
      streams.push_back(engine_->submit(request));
    }
    for (int i = 0; i < 20; ++i) streams[static_cast<size_t>(i)]->next(seconds(20));  // some have begun to answer
    std::shuffle(streams.begin(), streams.end(), std::minstd_rand(seed));
    const auto drop = [&streams](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) streams[i].reset();
    };
    std::thread other(drop, size_t{250}, size_t{500});
    drop(0, 250);
    other.join();
    EXPECT_TRUE(eventually([this] { return is_idle(); }));
  };

  come_and_go(1);
  const auto threads = num_threads();
  const size_t bytes = ::mallinfo2().uordblks;
  for (unsigned seed = 2; seed < 6; ++seed) come_and_go(seed);
  EXPECT_EQ(num_threads(), threads);
  EXPECT_LT(static_cast<double>(::mallinfo2().uordblks), static_cast<double>(bytes) + (1 << 20));
  expect_all_blocks_free(answer);
}

TEST_F(EngineLoadTest, WhatCanNeverFitIsRefusedAtOnceHoweverBusyTheEngineIs) {
  config_.max_num_seqs = 1;
  start("x", gated());
  const auto running = engine_->submit(ask("a"));
  const auto waiting = engine_->submit(ask("b"));
  const auto begin = steady_clock::now();
  try {
    engine_->submit(ask(std::string(kContext, 'x')));
    FAIL() << "it was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kContextLengthExceeded);
  }
  EXPECT_LT(steady_clock::now() - begin, seconds(5));
  open_ = true;
  EXPECT_TRUE(collect(*running).usage);
  EXPECT_TRUE(collect(*waiting).usage);
}

TEST_F(EngineLoadTest, AnImageOfACancelledRequestStopsAtTheSlice) {
  std::atomic<int> num_slices{0};
  config_.interleaved_vision_layers = 1;
  start(std::string(400, 'x'), [&](FakeRunner& runner) {
    runner.on_encode = [&] {
      if (++num_slices == 2) {
        while (!open_) std::this_thread::sleep_for(milliseconds(1));
      }
    };
  });
  const auto text = engine_->submit(ask("text"));
  ASSERT_TRUE(text->next(seconds(20)));
  auto image = engine_->submit(ask_about_image());
  ASSERT_TRUE(eventually([&] { return num_slices == 2; }));
  image.reset();
  open_ = true;
  EXPECT_EQ(collect(*text).finishes.count(0), 1U);
  EXPECT_EQ(num_slices, 2);
}

TEST_F(EngineLoadTest, AnAnswerGetsATokenBetweenAnyTwoSlicesOfAnImage) {
  std::string events;  // engine thread only, until all is over
  config_.interleaved_vision_layers = 3;
  start(std::string(300, 'x'), [&](FakeRunner& runner) {
    runner.on_run = [&](const std::vector<SequenceChunk>& chunks) {
      while (events.size() == 3 && !open_) std::this_thread::sleep_for(milliseconds(1));
      events += chunks.front().token_ids == std::vector<int32_t>{'x'} ? 't' : 'p';
    };
    runner.on_encode = [&] { events += 'v'; };
  });
  const auto text = engine_->submit(ask("text"));
  ASSERT_TRUE(text->next(seconds(20)));
  const auto image = engine_->submit(ask_about_image());
  open_ = true;
  collect(*text);
  collect(*image);
  engine_.reset();
  EXPECT_EQ(std::count(events.begin(), events.end(), 'v'), 2 * FakeRunner::kVisionLayers);
  EXPECT_NE(events.find("tvvvt"), std::string::npos) << events;
  EXPECT_EQ(events.find("vvvv"), std::string::npos) << events;
}

}  // namespace
}  // namespace spyhop
