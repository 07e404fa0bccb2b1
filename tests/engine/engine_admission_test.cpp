#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "common/raw_server.h"
#include "engine_fixture.h"

namespace spyhop {
namespace {

/// What comes in, waits, takes its time, is counted and is refused.
class EngineAdmissionTest : public EngineTest {
 protected:
  /// Steps of the model that take 10 ms each.
  static void slow(FakeRunner& runner) {
    runner.on_run = [](const std::vector<SequenceChunk>&) { std::this_thread::sleep_for(milliseconds(10)); };
  }

  /// Whether the engine's series `name`, with `label` beside its usual ones, comes to have `value`.
  bool shows(const std::string& name, const std::string& value, const std::string& label = "") {
    const std::string line = "spyhop:" + name + "{engine=\"0\"," + label + "model_name=\"fake\"} " + value + "\n";
    return eventually([&] { return metrics_.text().find(line) != std::string::npos; });
  }
};

TEST_F(EngineAdmissionTest, CountsWhatItServes) {
  start("hello");
  collect(*engine_->submit(ask("hi")));
  collect(*engine_->submit(ask_about_image()));
  collect(*engine_->submit(ask_about_image()));
  EXPECT_TRUE(shows("request_success_total", "3", "finished_reason=\"stop\","));
  EXPECT_TRUE(shows("generation_tokens_total", "18"));
  EXPECT_TRUE(shows("time_to_first_token_seconds_count", "3"));
  EXPECT_TRUE(shows("mm_cache_queries_total", "2"));
  EXPECT_TRUE(shows("mm_cache_hits_total", "1"));
  EXPECT_TRUE(shows("num_requests_running", "0"));
  EXPECT_TRUE(shows("num_requests_waiting", "0"));
  EXPECT_TRUE(shows("kv_cache_usage_perc", "0"));
}

TEST_F(EngineAdmissionTest, ShowsItsLoad) {
  config_.max_num_seqs = 1;
  start("x", gated());
  const auto running = engine_->submit(ask("a"));
  const auto waiting = engine_->submit(ask("b"));
  EXPECT_TRUE(eventually([&] { return engine_->stats().num_waiting == 2; }));
  EXPECT_TRUE(shows("num_requests_waiting", "2"));
  EXPECT_EQ(engine_->stats().max_num_seqs, 1);
  EXPECT_EQ(engine_->stats().max_queue, config_.max_queue);
  open_ = true;
  EXPECT_TRUE(collect(*waiting).usage);
  EXPECT_TRUE(eventually([&] { return engine_->stats().num_waiting == 0 && engine_->stats().kv_cache_usage == 0; }));
}

TEST_F(EngineAdmissionTest, TellsWhereTheTimeOfARequestWent) {
  config_.max_num_seqs = 1;
  start("abc", [](FakeRunner& runner) {
    runner.on_run = [](const std::vector<SequenceChunk>&) { std::this_thread::sleep_for(milliseconds(20)); };
  });
  const auto first = engine_->submit(ask("a"));
  const auto second = engine_->submit(ask("b"));
  EXPECT_TRUE(collect(*first).usage);
  const Timings timings = collect(*second).timings;
  EXPECT_GE(timings.queue_ms, 60);
  EXPECT_GE(timings.first_token_ms, 20);
  EXPECT_GE(timings.generation_ms, 60);
  ASSERT_TRUE(timings.mean_gap_ms);
  EXPECT_NEAR(*timings.mean_gap_ms, timings.generation_ms / 3, 0.001);
}

TEST_F(EngineAdmissionTest, ARequestEndsWhenItsTimeIsOver) {
  start(std::string(400, 'x'), slow);
  ChatRequest request = ask("a");
  request.timeout_ms = 100;
  const Collected got = collect(*engine_->submit(request));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, ErrorCode::kTimeout);
  EXPECT_EQ(got.error->message, "the request's time of 0.1 s is over");
  EXPECT_LT(runner_->calls().size(), 15U);
  EXPECT_TRUE(shows("request_success_total", "1", "finished_reason=\"abort\","));
}

TEST_F(EngineAdmissionTest, ARequestEndsInTheQueueWhenItsTimeIsOver) {
  config_.max_num_seqs = 1;
  start(std::string(400, 'x'), slow);
  const auto running = engine_->submit(ask("a"));
  ChatRequest request = ask("b");
  request.timeout_ms = 100;
  const Collected got = collect(*engine_->submit(request));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, ErrorCode::kTimeout);
  EXPECT_TRUE(got.texts.empty());
}

TEST_F(EngineAdmissionTest, ARequestIsRefusedWhenItsTimeIsOverBeforeItsImageHasCome) {
  const RawServer silent([](const RawServer::Send& send) {
    while (send("")) std::this_thread::sleep_for(milliseconds(10));
  });
  config_.fetch.allow_private_addresses = true;
  start("x");
  ChatRequest request = ask("what?");
  request.messages[0].content.emplace_back(
      ImagePart{"http://127.0.0.1:" + std::to_string(silent.port()) + "/a.png", ImageDetail::kAuto});
  request.timeout_ms = 200;
  const auto begin = steady_clock::now();
  try {
    engine_->submit(request);
    FAIL() << "an overdue request was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kTimeout);
    EXPECT_STREQ(e.what(), "the request's time of 0.2 s is over");
  }
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
}

TEST_F(EngineAdmissionTest, TheServersTimeLimitHoldsWhateverARequestAsksFor) {
  config_.request_timeout = milliseconds(100);
  start(std::string(400, 'x'), slow);
  EXPECT_EQ(collect(*engine_->submit(ask("a"))).error->code, ErrorCode::kTimeout);
  ChatRequest longer = ask("b");
  longer.timeout_ms = 60000;
  EXPECT_EQ(collect(*engine_->submit(longer)).error->message, "the request's time of 0.1 s is over");
}

TEST_F(EngineAdmissionTest, ARefusalSaysWhenThereWillBeRoom) {
  config_.max_num_seqs = 1;
  config_.max_queue = 0;
  start("x", gated());
  const auto running = engine_->submit(ask("a"));
  try {
    engine_->submit(ask("b"));
    FAIL() << "a second request was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.retry_after_seconds(), 1);
  }
  EXPECT_EQ(engine_->stats().retry_after_seconds, 1);
  open_ = true;
}

TEST_F(EngineAdmissionTest, AReaderThatDoesNotReadHoldsUpNobodyAndIsGivenUp) {
  config_.max_unread_bytes = 100;
  start(std::string(300, 'x'));
  const auto unread = engine_->submit(ask("a"));
  ChatRequest shorter = ask("b");
  shorter.max_tokens = 100;
  EXPECT_TRUE(collect(*engine_->submit(shorter)).usage);
  EXPECT_TRUE(eventually([&] { return engine_->stats().num_running + engine_->stats().num_waiting == 0; }));
  EXPECT_EQ(engine_->stats().kv_cache_usage, 0);
  const Collected got = collect(*unread);
  EXPECT_TRUE(got.texts.empty());
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace spyhop
