#include <gtest/gtest.h>

#include <thread>

#include "engine_fixture.h"

namespace spyhop {
namespace {

TEST_F(EngineTest, AnswersWithTextFinishAndUsage) {
  start("hello");
  const auto stream = engine_->submit(ask("hi"));
  const Collected got = collect(*stream);
  EXPECT_EQ(got.texts.at(0), "hello");
  EXPECT_EQ(got.finishes.at(0), FinishReason::kStop);
  ASSERT_TRUE(got.usage);
  EXPECT_EQ(got.usage->completion_tokens, 6);
  EXPECT_EQ(got.usage->prompt_tokens, runner_->calls()[0].num_tokens[0]);
  EXPECT_EQ(got.usage->image_tokens, 0);
}

TEST_F(EngineTest, ServesManyRequestsAtOnce) {
  start("some answer");
  std::vector<std::unique_ptr<ResponseStream>> streams;
  for (int i = 0; i < 40; ++i) streams.push_back(engine_->submit(ask("question")));
  for (auto& stream : streams) EXPECT_EQ(collect(*stream).texts.at(0), "some answer");
  EXPECT_TRUE(eventually([&] { return engine_->stats().num_running == 0 && engine_->stats().num_waiting == 0; }));
}

TEST_F(EngineTest, GivesEveryOneOfNAnswers) {
  start("abc");
  ChatRequest request = ask("hi");
  request.n = 3;
  const Collected got = collect(*engine_->submit(request));
  EXPECT_EQ(got.texts, (std::map<int, std::string>{{0, "abc"}, {1, "abc"}, {2, "abc"}}));
  EXPECT_EQ(got.usage->completion_tokens, 12);
}

TEST_F(EngineTest, EncodesAnImageBeforeItsPrompt) {
  start("red");
  const Collected got = collect(*engine_->submit(ask_about_image()));
  EXPECT_EQ(got.texts.at(0), "red");
  EXPECT_EQ(runner_->num_tiles, 2);
  EXPECT_EQ(got.usage->image_tokens, 5);  // t = 1: 1 x (1 + 1) + 1 + 1 x (1 + 1)
}

TEST_F(EngineTest, ASecondTurnAboutAnImageEncodesNothing) {
  config_.vision_cache_bytes = 0;
  start("red");
  ChatRequest request = ask_about_image();
  const Collected first = collect(*engine_->submit(request));
  request.messages.push_back({Role::kAssistant, {TextPart{"red"}}});
  request.messages.push_back({Role::kUser, {TextPart{"Why?"}}});
  const Collected second = collect(*engine_->submit(request));
  EXPECT_EQ(second.texts.at(0), "red");
  EXPECT_EQ(runner_->num_tiles, 2);
  EXPECT_EQ(second.usage->cached_tokens, (first.usage->prompt_tokens + 3) / 16 * 16) << "the prompt and its answer, in blocks";
}

TEST_F(EngineTest, AStepThatThrowsFailsItsRequestsAndTheEngineGoesOn) {
  std::atomic<int> num_steps{0};
  start("ok", [&](FakeRunner& runner) {
    runner.on_run = [&](const std::vector<SequenceChunk>&) {
      if (num_steps++ == 1) throw std::runtime_error("no memory for it");
    };
  });
  const Collected failed = collect(*engine_->submit(ask("first")));
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, ErrorCode::kInternal);
  EXPECT_EQ(failed.error->message, "no memory for it");
  EXPECT_EQ(collect(*engine_->submit(ask("second"))).texts.at(0), "ok");
}

TEST_F(EngineTest, AnImageThatThrowsFailsOnlyItsOwnRequest) {
  start("still here", [&](FakeRunner& runner) {
    gated()(runner);
    runner.on_encode = [] { throw std::bad_alloc(); };
  });
  const auto text = engine_->submit(ask("text"));
  const auto image = engine_->submit(ask_about_image());
  open_ = true;
  EXPECT_TRUE(collect(*image).error);
  EXPECT_EQ(collect(*text).texts.at(0), "still here");
}

TEST_F(EngineTest, ACancelledRequestLeavesWithinAStep) {
  start(std::string(400, 'x'), gated());
  auto stream = engine_->submit(ask("long"));
  ASSERT_TRUE(eventually([&] { return engine_->stats().num_running + engine_->stats().num_waiting == 1; }));
  stream.reset();
  open_ = true;
  ASSERT_TRUE(eventually([&] { return engine_->stats().num_running + engine_->stats().num_waiting == 0; }));
  EXPECT_LE(runner_->calls().size(), 2U);
}

TEST_F(EngineTest, RefusesMoreThanTheQueueHolds) {
  config_.max_num_seqs = 1;
  config_.max_queue = 1;
  start("x", gated());
  const auto running = engine_->submit(ask("a"));
  const auto waiting = engine_->submit(ask("b"));
  try {
    engine_->submit(ask("c"));
    FAIL() << "a third request was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kOverloaded);
  }
  open_ = true;
  EXPECT_TRUE(collect(*running).usage);
  EXPECT_TRUE(collect(*waiting).usage);
}

TEST_F(EngineTest, NamesWhatDoesNotFitTheContext) {
  start("x");
  try {
    engine_->submit(ask(std::string(600, 'x')));
    FAIL() << "a prompt over the context was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kContextLengthExceeded);
    EXPECT_NE(std::string(e.what()).find("512"), std::string::npos);
  }
  ChatRequest request = ask("short");
  request.max_tokens = 511;
  EXPECT_THROW(engine_->submit(request), Error);
  request.max_tokens.reset();
  request.n = 99;
  EXPECT_THROW(engine_->submit(request), Error);
}

TEST_F(EngineTest, DrainingFinishesWhatRunsAndRefusesWhatComes) {
  start("done", gated());
  const auto stream = engine_->submit(ask("a"));
  std::thread drainer([&] { engine_->drain(seconds(20)); });
  ASSERT_TRUE(eventually([&] {
    try {
      engine_->submit(ask("late"));
      return false;
    } catch (const Error& e) {
      return e.code() == ErrorCode::kUnavailable;
    }
  }));
  open_ = true;
  drainer.join();
  EXPECT_EQ(collect(*stream).texts.at(0), "done");
}

TEST_F(EngineTest, DrainingEndsWhatIsLeftAfterItsTime) {
  start(std::string(400, 'x'), [](FakeRunner& runner) {
    runner.on_run = [](const std::vector<SequenceChunk>&) { std::this_thread::sleep_for(milliseconds(20)); };
  });
  const auto stream = engine_->submit(ask("a"));
  engine_->drain(milliseconds(50));
  const Collected got = collect(*stream);
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, ErrorCode::kUnavailable);
}

TEST_F(EngineTest, EndingTheEngineEndsItsStreams) {
  start(std::string(400, 'x'), [](FakeRunner& runner) {
    runner.on_run = [](const std::vector<SequenceChunk>&) { std::this_thread::sleep_for(milliseconds(5)); };
  });
  const auto stream = engine_->submit(ask("a"));
  engine_.reset();
  EXPECT_TRUE(collect(*stream).error);
}

}  // namespace
}  // namespace spyhop
