#include "bench/load_metrics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/mode_reports.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;

TimePoint at(int ms) {
  return TimePoint() + milliseconds(1000 + ms);
}

StreamedAnswer answer_of(int sent, const std::vector<int>& texts, int last, int prompt_tokens, int completion_tokens) {
  StreamedAnswer answer;
  answer.sent = at(sent);
  for (const int text : texts) answer.text_times.push_back(at(text));
  answer.last = at(last);
  answer.prompt_tokens = prompt_tokens;
  answer.completion_tokens = completion_tokens;
  return answer;
}

StreamedAnswer failure_of(const std::string& kind, const std::string& message) {
  StreamedAnswer answer;
  answer.fault = AnswerFault{kind, message};
  return answer;
}

LoadResult small_result() {
  LoadResult result;
  result.duration_seconds = 2;
  result.num_cancelled = 1;
  result.answers.push_back(answer_of(0, {100, 150, 250}, 260, 10, 5));  // ttft 100, gaps 50 100, tpot 160 / 4, e2e 260
  result.answers.push_back(answer_of(200, {500, 520}, 520, 30, 2));     // ttft 300, gap 20, tpot 20, e2e 320
  result.answers.push_back(answer_of(520, {}, 600, 4, 1));              // no text: ttft and e2e 80
  result.answers.push_back(failure_of("http_429", "full"));
  result.answers.push_back(failure_of("http_429", "still full"));
  result.answers.push_back(failure_of("timeout", "late"));
  return result;
}

TEST(load_metrics, FiguresAreThoseComputedByHand) {
  const LoadMetrics metrics = compute_metrics(small_result(), {95, 99});
  EXPECT_EQ(metrics.num_completed, 3u);
  EXPECT_EQ(metrics.num_failed, 3u);
  EXPECT_EQ(metrics.num_cancelled, 1u);
  EXPECT_EQ(metrics.input_tokens, 44);
  EXPECT_EQ(metrics.output_tokens, 8);
  EXPECT_DOUBLE_EQ(metrics.request_throughput, 1.5);
  EXPECT_DOUBLE_EQ(metrics.input_throughput, 22);
  EXPECT_DOUBLE_EQ(metrics.output_throughput, 4);
  EXPECT_DOUBLE_EQ(metrics.total_token_throughput, 26);
  EXPECT_EQ(metrics.max_concurrent_requests, 2u);
  EXPECT_DOUBLE_EQ(metrics.max_output_tokens_per_s, 5);
  EXPECT_NEAR(metrics.ttft_ms.mean, (100.0 + 300 + 80) / 3, 1e-6);
  EXPECT_NEAR(metrics.ttft_ms.median, 100, 1e-6);
  EXPECT_NEAR(metrics.ttft_ms.max, 300, 1e-6);
  EXPECT_EQ(metrics.tpot_ms.count, 2u) << "an answer of one token has none";
  EXPECT_NEAR(metrics.tpot_ms.mean, 30, 1e-6);
  EXPECT_NEAR(metrics.itl_ms.mean, (50.0 + 100 + 20) / 3, 1e-6);
  EXPECT_NEAR(metrics.itl_ms.percentiles[0], 50 + 0.9 * 50, 1e-6);
  EXPECT_NEAR(metrics.e2el_ms.mean, (260.0 + 320 + 80) / 3, 1e-6);
}

TEST(load_metrics, ErrorsAreCountedByKindWithAnExample) {
  const LoadMetrics metrics = compute_metrics(small_result(), {});
  ASSERT_EQ(metrics.faults.size(), 2u);
  EXPECT_EQ(metrics.faults.at("http_429").count, 2u);
  EXPECT_EQ(metrics.faults.at("http_429").example, "full");
  EXPECT_EQ(metrics.faults.at("timeout").count, 1u);
}

TEST(load_metrics, JsonHasTheKeysOfVllm) {
  const nlohmann::ordered_json json = metrics_json(compute_metrics(small_result(), {95, 99.9}));
  for (const char* key : {"duration", "completed", "failed", "total_input_tokens", "total_output_tokens", "request_throughput",
                          "output_throughput", "total_token_throughput", "max_output_tokens_per_s", "max_concurrent_requests",
                          "mean_ttft_ms", "median_ttft_ms", "std_ttft_ms", "p95_ttft_ms", "p99.9_ttft_ms", "mean_tpot_ms",
                          "mean_itl_ms", "p95_itl_ms", "mean_e2el_ms"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["error_counts"]["http_429"]["count"], 2);
}

TEST(load_metrics, DetailsHaveARowPerAnswer) {
  const nlohmann::ordered_json json = details_json(small_result());
  for (const char* key : {"input_lens", "output_lens", "start_times", "ttfts", "itls", "errors"})
    EXPECT_EQ(json[key].size(), 6u);
  EXPECT_EQ(json["itls"][0].size(), 2u);
  EXPECT_EQ(json["errors"][0], "");
  EXPECT_EQ(json["errors"][3], "http_429: full");
}

TEST(load_metrics, AnswersWithoutUsageAreTold) {
  LoadResult result = small_result();
  result.answers[0].completion_tokens.reset();
  const LoadMetrics metrics = compute_metrics(result, {});
  EXPECT_EQ(metrics.num_without_usage, 1u);
  EXPECT_EQ(metrics.output_tokens, 3 + 2 + 1);
}

TEST(load_metrics, ARunWithoutAnswersIsAllZeros) {
  const LoadMetrics metrics = compute_metrics({}, {99});
  EXPECT_EQ(metrics.request_throughput, 0);
  EXPECT_EQ(metrics.ttft_ms.percentiles, std::vector<double>{0});
  EXPECT_NE(metrics_table(metrics, "Title").find("Successful requests:"), std::string::npos);
}

TEST(load_metrics, SweepRatiosAreMediansOverTheRounds) {
  const auto run = [](size_t round, size_t concurrency, double throughput) {
    SweepRun result;
    result.round = round;
    result.concurrency = concurrency;
    result.metrics.output_throughput = throughput;
    return result;
  };
  const auto ratios = sweep_ratios(
      {run(0, 1, 10), run(0, 16, 20), run(1, 1, 20), run(1, 16, 60), run(2, 1, 10), run(2, 16, 50), run(3, 1, 30)});
  ASSERT_EQ(ratios.size(), 2u);
  EXPECT_EQ(ratios[0].concurrency, 1u);
  EXPECT_DOUBLE_EQ(ratios[0].ratio, 1);
  EXPECT_DOUBLE_EQ(ratios[1].ratio, 3);  // of 2, 3 and 5
  EXPECT_DOUBLE_EQ(ratios[1].output_throughput, 50);
}

}  // namespace
}  // namespace spyhop
