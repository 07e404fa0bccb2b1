#include "bench/serve_bench.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "bench/process_memory.h"
#include "fake_server.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using namespace std::chrono_literals;

ServeBenchOptions options_for(const FakeServer& server) {
  ServeBenchOptions options;
  options.client.base_url = server.url();
  options.workload.num_prompts = 12;
  options.workload.text = {20, 4, 0, 0};
  options.workload.seed = 1;
  return options;
}

ServeBenchReport run(const ServeBenchOptions& options) {
  return run_serve_bench(options, {[] { return false; }, [](const std::string&) {}});
}

TEST(serve_bench, MeasuresARunAndHitsTheLengthsAskedFor) {
  FakeServer server(answer_at_once);
  ServeBenchOptions options = options_for(server);
  options.load.max_concurrency = 3;
  options.num_warmups = 2;
  options.save_details = true;
  const ServeBenchReport report = run(options);
  EXPECT_FALSE(report.has_failures);
  EXPECT_EQ(report.json["model_id"], "fake");
  EXPECT_EQ(report.json["completed"], 12);
  EXPECT_EQ(report.json["total_input_tokens"], 12 * 20) << "the template's seven tokens are found out";
  EXPECT_EQ(report.json["total_output_tokens"], 12 * 4);
  EXPECT_EQ(report.json["request_rate"], "inf");
  EXPECT_EQ(report.json["input_lens"].size(), 12u);
  EXPECT_LE(report.json["max_concurrent_requests"], 3);
  EXPECT_EQ(server.num_requests(), 1u + 2 + 2 + 12) << "models, words, warm-up, run";
  EXPECT_NE(report.text.find("P99 TTFT (ms):"), std::string::npos);
}

TEST(serve_bench, FailuresAreCountedAndReported) {
  FakeServer server([](const FakeRequest& request, const FakeSend& send) {
    return request.number % 4 == 3 ? send(error_answer(429, "full")) : answer_at_once(request, send);
  });
  ServeBenchOptions options = options_for(server);
  const ServeBenchReport report = run(options);
  EXPECT_TRUE(report.has_failures);
  EXPECT_EQ(report.json["failed"], 3);
  EXPECT_EQ(report.json["completed"], 9);
  EXPECT_EQ(report.json["error_counts"]["http_429"]["count"], 3);
  EXPECT_NE(report.text.find("http_429:"), std::string::npos);
}

TEST(serve_bench, ARateSpreadsTheRequests) {
  FakeServer server(answer_at_once);
  ServeBenchOptions options = options_for(server);
  options.load.arrivals = {60, 1000, 1};  // 12 requests in nearly even steps of 1/60 s
  const ServeBenchReport report = run(options);
  EXPECT_GE(report.json["duration"], 10.0 / 60);
  EXPECT_EQ(report.json["completed"], 12);
}

TEST(serve_bench, ADurationKeepsTheLoadUp) {
  FakeServer server(answer_at_once);
  ServeBenchOptions options = options_for(server);
  options.load.max_concurrency = 4;
  options.load.duration = 400ms;
  options.server_pid = getpid();
  const ServeBenchReport report = run(options);
  EXPECT_GE(report.json["duration"], 0.4);
  EXPECT_GT(report.json["completed"], 12) << "prompts are sent again";
  EXPECT_GT(report.json["server_memory"]["end_bytes"], 1 << 20);
  EXPECT_EQ(report.json["server_memory"]["is_warm"], true);
}

TEST(serve_bench, VerifyFindsAnswersThatDifferUnderLoad) {
  std::atomic<int> num_running{0};
  FakeServer server([&](const FakeRequest& request, const FakeSend& send) {
    if (request.path == "/v1/models") return answer_at_once(request, send);
    const bool is_alone = ++num_running == 1;
    std::this_thread::sleep_for(30ms);
    send(kStreamHead + text_event(is_alone ? "same" : "sane") + finish_event() + usage_event(20, 4) + kStreamEnd);
    --num_running;
    return true;
  });
  ServeBenchOptions options = options_for(server);
  options.calibrate = false;
  options.verify = true;
  options.load.max_concurrency = 1;
  const ServeBenchReport alone = run(options);
  EXPECT_EQ(alone.json["verify"]["compared"], 12);
  EXPECT_EQ(alone.json["verify"]["mismatches"], 0);
  EXPECT_FALSE(alone.has_failures);
  options.load.max_concurrency = 4;
  const ServeBenchReport crowded = run(options);
  EXPECT_GT(crowded.json["verify"]["mismatches"], 0);
  EXPECT_TRUE(crowded.has_failures);
  const std::string example = crowded.json["verify"]["examples"][0];
  EXPECT_NE(example.find("from byte 2 on \"ne\", alone \"me\""), std::string::npos) << example;
}

TEST(serve_bench, ASweepSendsOtherTextsInEveryRun) {
  std::mutex mutex;
  std::multiset<std::string> texts;
  FakeServer server([&](const FakeRequest& request, const FakeSend& send) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!request.body.is_null()) texts.insert(request.body["messages"].dump());
    return answer_at_once(request, send);
  });
  ServeBenchOptions options = options_for(server);
  options.mode = BenchMode::kSweep;
  options.sweep_concurrency = {1, 4};
  options.sweep_rounds = 2;
  const ServeBenchReport report = run(options);
  EXPECT_EQ(report.json["sweep"]["runs"].size(), 4u);
  EXPECT_EQ(report.json["sweep"]["ratios"].size(), 2u);
  EXPECT_EQ(report.json["sweep"]["ratios"][0]["ratio_to_first"], 1.0);
  EXPECT_EQ(texts.size(), 2u + 4 * 12);
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), texts.size());
}

TEST(serve_bench, InterferenceSeesTheGapThatAnImageMakes) {
  std::atomic<bool> is_encoding{false};
  FakeServer server([&](const FakeRequest& request, const FakeSend& send) {
    if (request.path == "/v1/models") return answer_at_once(request, send);
    if (request.body["messages"][0]["content"].is_array()) {
      is_encoding = true;
      std::this_thread::sleep_for(250ms);
      is_encoding = false;
      return answer_at_once(request, send);
    }
    send(kStreamHead);
    for (int i = 0; i < 10'000; ++i) {
      std::this_thread::sleep_for(5ms);
      while (is_encoding) std::this_thread::sleep_for(1ms);
      if (!send(text_event("a"))) return false;
    }
    return false;
  });
  ServeBenchOptions options = options_for(server);
  options.mode = BenchMode::kInterfere;
  options.calibrate = false;
  options.interfere_size = {64, 64};
  options.interfere_rounds = 2;
  options.interference.num_streams = 2;
  options.interference.quiet = 200ms;
  const ServeBenchReport report = run(options);
  EXPECT_FALSE(report.has_failures) << report.text;
  const auto& result = report.json["interference"];
  ASSERT_EQ(result["rounds"].size(), 2u);
  EXPECT_GE(result["longest_gap_ms"], 230);
  EXPECT_GE(result["rounds"][0]["image_ttft_ms"], 230);
  EXPECT_GE(result["rounds"][0]["num_gaps"], 2);
  EXPECT_LT(result["rounds"][0]["median_quiet_gap_ms"], 100);
}

TEST(serve_bench, InterferenceEndsWhenStreamsFail) {
  FakeServer server([](const FakeRequest& request, const FakeSend& send) {
    return request.path == "/v1/models" ? answer_at_once(request, send) : send(error_answer(500, "no"));
  });
  ServeBenchOptions options = options_for(server);
  options.mode = BenchMode::kInterfere;
  options.calibrate = false;
  options.interfere_size = {64, 64};
  const ServeBenchReport report = run(options);
  EXPECT_TRUE(report.has_failures);
  EXPECT_EQ(report.json["interference"]["rounds"].size(), 0u);
}

TEST(serve_bench, MultiTurnSendsTheAnswerBackAndReportsWhatWasCached) {
  std::mutex mutex;
  std::vector<nlohmann::json> chats;
  FakeServer server([&](const FakeRequest& request, const FakeSend& send) {
    if (request.path == "/v1/models") return answer_at_once(request, send);
    const std::lock_guard<std::mutex> lock(mutex);
    chats.push_back(request.body["messages"]);
    const bool is_first = chats.back().size() == 1;
    if (is_first) std::this_thread::sleep_for(60ms);
    return send(kStreamHead + text_event("It is a whale.") + finish_event() + usage_event(90, 4, is_first ? 0 : 80) +
                kStreamEnd);
  });
  ServeBenchOptions options = options_for(server);
  options.mode = BenchMode::kMultiTurn;
  options.calibrate = false;
  options.workload.num_prompts = 2;
  options.workload.images.size = {32, 32};
  const ServeBenchReport report = run(options);
  EXPECT_FALSE(report.has_failures);
  ASSERT_EQ(chats.size(), 4u);
  ASSERT_EQ(chats[1].size(), 3u);
  EXPECT_EQ(chats[1][0], chats[0][0]) << "the second turn begins with the first, image included";
  EXPECT_EQ(chats[1][1]["content"], "It is a whale.");
  EXPECT_NE(chats[2][0], chats[0][0]) << "every chat has an image of its own";
  const auto& result = report.json["multi_turn"];
  EXPECT_EQ(result["chats"][0]["second"]["cached_tokens"], 80);
  EXPECT_GE(result["chats"][0]["first"]["ttft_ms"], 50);
  EXPECT_LT(result["median_ttft_ratio"], 1);
}

TEST(serve_bench, StoppingEndsTheRunWithWhatThereIs) {
  FakeServer server([](const FakeRequest& request, const FakeSend& send) {
    if (request.number >= 5) std::this_thread::sleep_for(1s);
    return answer_at_once(request, send);
  });
  ServeBenchOptions options = options_for(server);
  options.calibrate = false;
  options.load.max_concurrency = 2;
  const TimePoint begin = BenchClock::now();
  const ServeBenchReport report =
      run_serve_bench(options, {[&] { return BenchClock::now() - begin > 300ms; }, [](const std::string&) {}});
  EXPECT_TRUE(report.was_stopped);
  EXPECT_FALSE(report.has_failures) << "what was cancelled has not failed";
  EXPECT_EQ(report.json["completed"], 4);
  EXPECT_EQ(report.json["cancelled"], 2);
  EXPECT_EQ(report.json["interrupted"], true);
}

TEST(serve_bench, WithoutCountsOfTokensAWordIsTakenForOne) {
  FakeServer server([](const FakeRequest& request, const FakeSend& send) {
    if (request.path == "/v1/models") return answer_at_once(request, send);
    return send(kStreamHead + text_event("a") + text_event("b") + finish_event() + kStreamEnd);
  });
  const ServeBenchReport report = run(options_for(server));
  EXPECT_EQ(report.json["without_usage"], 12);
  EXPECT_EQ(report.json["total_output_tokens"], 24);
  EXPECT_EQ(report.json["tokens_per_word"], 1.0);
}

TEST(serve_bench, AServerThatRefusesIsAnErrorAndNoResult) {
  FakeServer server([](const FakeRequest& request, const FakeSend& send) {
    return request.path == "/v1/models" ? answer_at_once(request, send) : send(error_answer(404, "no such model"));
  });
  try {
    run(options_for(server));
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("http_404: \"no such model\""), std::string::npos) << e.what();
  }
}

TEST(serve_bench, OptionsThatDoNotGoTogetherAreRefused) {
  FakeServer server(answer_at_once);
  const auto refuses = [&](const std::function<void(ServeBenchOptions&)>& change, const std::string& flag) {
    ServeBenchOptions options = options_for(server);
    change(options);
    try {
      run(options);
    } catch (const Error& e) {
      return e.param() == flag;
    }
    return false;
  };
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.mode = BenchMode::kSweep, o.sweep_concurrency = {1}, o.verify = true; },
                      "--verify"));
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.verify = true, o.workload.request.temperature = 1; }, "--verify"));
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.mode = BenchMode::kMultiTurn, o.load.duration = 1s; }, "--duration"));
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.mode = BenchMode::kMultiTurn, o.dataset_path = "x"; }, "--dataset-path"));
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.workload.request.is_chat = false, o.workload.images.num_images = 1; },
                      "--endpoint"));
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.workload.request.extra_body = "[]"; }, "--extra-body"));
  EXPECT_TRUE(refuses([](ServeBenchOptions& o) { o.server_pid = 0x7FFFFFFF; }, "--server-pid"));
  EXPECT_EQ(server.num_requests(), 0u) << "refused before the server is asked";
}

TEST(serve_bench, MemoryGrowthIsBetweenMediansAfterTheWarmupAndAtTheEnd) {
  MemoryWatch memory(getpid(), 5);
  memory.sample(1);
  EXPECT_FALSE(memory.is_warm());
  for (const double seconds : {6.0, 7.0, 7.5, 8.0}) memory.sample(seconds);
  EXPECT_TRUE(memory.is_warm());
  const uint64_t before = memory.base_bytes();
  constexpr uint64_t kBallast = 64 << 20;
  {
    const std::vector<char> for_a_moment(kBallast, 1);
    memory.sample(9);
    EXPECT_GE(memory.peak_bytes(), before + kBallast / 2 + static_cast<uint64_t>(for_a_moment[5]));
  }
  memory.sample(10);
  memory.sample(11);
  EXPECT_LT(memory.base_bytes(), before + kBallast / 4) << "one high value does not move the base";
  EXPECT_LT(memory.end_bytes(), before + kBallast / 4);
  const std::vector<char> ballast(kBallast, 1);
  for (const double seconds : {60.0, 61.0, 62.0}) memory.sample(seconds);
  EXPECT_GE(memory.end_bytes(), memory.base_bytes() + kBallast * 15 / 16 * static_cast<uint64_t>(ballast[5]));
  EXPECT_GT(memory.growth_percent(), 0);
}

}  // namespace
}  // namespace spyhop
