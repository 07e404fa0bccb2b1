#include "engine/engine_metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/sequence.h"
#include "support/fake_model.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;

constexpr int kContext = 4096;

/// A request of the fake model on its way through the engine, at times that the test sets.
class EngineMetricsTest : public ::testing::Test {
 protected:
  EngineMetricsTest() { use({"fake", kContext, 100, 16, true}); }

  void use(const EngineFacts& facts) { engine_ = std::make_unique<EngineMetrics>(&metrics_, facts); }

  std::unique_ptr<Request> make_request(int num_prompt, int n = 1) {
    auto request = std::make_unique<Request>();
    request->prompt.token_ids.assign(static_cast<size_t>(num_prompt), 'a');
    request->max_tokens = 50;
    request->num_cached = 0;
    for (int choice = 0; choice < n; ++choice) {
      request->sequences.push_back(std::make_unique<Sequence>(*request, choice, SequenceContext{tokenizer_, 300, 16}, 0));
    }
    request->submitted_at = start_;
    request->queued_at = start_ + milliseconds(100);
    request->admitted_at = start_ + milliseconds(700);
    return request;
  }

  void add_token(Sequence& sequence, milliseconds at) {
    SampledToken token;
    token.id = 'x';
    sequence.append(token);
    if (sequence.num_generated() == 1) sequence.first_token_at = start_ + at;
    ++sequence.request().num_generated;
    engine_->note_token(sequence, start_ + at);
    sequence.last_token_at = start_ + at;
  }

  /// The value of the engine's series `name`, such as "e2e_request_latency_seconds_count", with the label `label`; "" = none.
  std::string value(const std::string& name, const std::string& label = "", const std::string& last_label = "") const {
    const std::string series = "spyhop:" + name + "{engine=\"0\"," + label + "model_name=\"fake\"" + last_label + "} ";
    std::istringstream lines(metrics_.text());
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind(series, 0) == 0) return line.substr(series.size());
    }
    return "";
  }

  std::string bucket(const std::string& name, const std::string& bound) const {
    return value(name + "_bucket", "", ",le=\"" + bound + "\"");
  }

  /// The upper bounds of a histogram, in order.
  std::string bounds(const std::string& name) const {
    std::string all;
    std::istringstream lines(metrics_.text());
    for (std::string line; std::getline(lines, line);) {
      const size_t bound = line.find("le=\"");
      if (line.rfind("spyhop:" + name + "_bucket{", 0) != 0 || bound == std::string::npos) continue;
      all += line.substr(bound + 4, line.find('"', bound + 4) - bound - 4) + " ";
    }
    return all;
  }

  const EngineMetrics::Clock::time_point start_ = EngineMetrics::Clock::now();
  FakeTokenizer tokenizer_;
  Metrics metrics_;
  std::unique_ptr<EngineMetrics> engine_;
};

TEST_F(EngineMetricsTest, HasTheNamesAndTypesThatVllmsDashboardsAskFor) {
  const std::map<std::string, std::string> types = {{"num_requests_running", "gauge"},
                                                    {"num_requests_waiting", "gauge"},
                                                    {"kv_cache_usage_perc", "gauge"},
                                                    {"cache_config_info", "gauge"},
                                                    {"prefix_cache_queries_total", "counter"},
                                                    {"prefix_cache_hits_total", "counter"},
                                                    {"mm_cache_queries_total", "counter"},
                                                    {"mm_cache_hits_total", "counter"},
                                                    {"prompt_tokens_total", "counter"},
                                                    {"generation_tokens_total", "counter"},
                                                    {"request_success_total", "counter"},
                                                    {"num_preemptions_total", "counter"},
                                                    {"request_prompt_tokens", "histogram"},
                                                    {"request_generation_tokens", "histogram"},
                                                    {"request_max_num_generation_tokens", "histogram"},
                                                    {"request_params_n", "histogram"},
                                                    {"request_params_max_tokens", "histogram"},
                                                    {"iteration_tokens_total", "histogram"},
                                                    {"time_to_first_token_seconds", "histogram"},
                                                    {"inter_token_latency_seconds", "histogram"},
                                                    {"e2e_request_latency_seconds", "histogram"},
                                                    {"request_queue_time_seconds", "histogram"},
                                                    {"request_prefill_time_seconds", "histogram"},
                                                    {"request_decode_time_seconds", "histogram"},
                                                    {"request_inference_time_seconds", "histogram"}};
  const std::string text = metrics_.text();
  for (const auto& [name, type] : types) {
    EXPECT_NE(text.find("# TYPE spyhop:" + name + " " + type + "\n"), std::string::npos) << name;
  }
  for (const char* reason : {"stop", "length", "abort", "error"}) {
    EXPECT_EQ(value("request_success_total", std::string("finished_reason=\"") + reason + "\","), "0") << reason;
  }
  EXPECT_NE(text.find(R"(spyhop:cache_config_info{block_size="16",enable_prefix_caching="True",engine="0",model_name="fake",)"
                      R"(num_gpu_blocks="100"} 1)"),
            std::string::npos);
}

TEST_F(EngineMetricsTest, HasVllmsBuckets) {
  EXPECT_EQ(bounds("iteration_tokens_total"), "1 8 16 32 64 128 256 512 1024 2048 4096 8192 16384 +Inf ");
  EXPECT_EQ(bounds("request_prompt_tokens"), "1 2 5 10 20 50 100 200 500 1000 2000 +Inf ");
  EXPECT_EQ(bounds("request_params_n"), "1 2 5 10 20 +Inf ");
  EXPECT_EQ(bounds("time_to_first_token_seconds"),
            "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560 +Inf ");
  EXPECT_EQ(bounds("inter_token_latency_seconds"),
            "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80 +Inf ");
  EXPECT_EQ(bounds("e2e_request_latency_seconds"),
            "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680 +Inf ");
}

TEST_F(EngineMetricsTest, TheBucketsOfTokenCountsEndAtTheContext) {
  Metrics other;
  const EngineMetrics small(&other, {"fake", 50, 1, 16, false});
  EXPECT_NE(other.text().find("request_prompt_tokens_bucket{engine=\"0\",model_name=\"fake\",le=\"50\"}"), std::string::npos);
  EXPECT_EQ(other.text().find("request_prompt_tokens_bucket{engine=\"0\",model_name=\"fake\",le=\"100\"}"), std::string::npos);
}

TEST_F(EngineMetricsTest, TakesARequestsTimeApart) {
  const auto request = make_request(30);
  Sequence& sequence = *request->sequences[0];
  add_token(sequence, milliseconds(1700));
  add_token(sequence, milliseconds(1760));
  add_token(sequence, milliseconds(2000));
  engine_->note_answer(sequence, FinishReason::kLength);
  engine_->note_success(*request);
  EXPECT_EQ(value("time_to_first_token_seconds_sum"), "1.7");
  EXPECT_EQ(value("inter_token_latency_seconds_count"), "2");
  EXPECT_EQ(bucket("inter_token_latency_seconds", "0.075"), "1");
  EXPECT_EQ(value("request_queue_time_seconds_sum").substr(0, 3), "0.6");
  EXPECT_EQ(value("request_prefill_time_seconds_sum"), "1");
  EXPECT_EQ(value("request_decode_time_seconds_sum").substr(0, 3), "0.3");
  EXPECT_EQ(value("request_inference_time_seconds_sum"), "1.3");
  EXPECT_EQ(value("e2e_request_latency_seconds_sum"), "2");
  EXPECT_EQ(value("prompt_tokens_total"), "30");
  EXPECT_EQ(value("generation_tokens_total"), "3");
  EXPECT_EQ(value("request_prompt_tokens_sum"), "30");
  EXPECT_EQ(value("request_generation_tokens_sum"), "3");
  EXPECT_EQ(value("request_params_max_tokens_sum"), "50");
  EXPECT_EQ(value("request_params_n_sum"), "1");
  EXPECT_EQ(value("request_success_total", "finished_reason=\"length\","), "1");
}

TEST_F(EngineMetricsTest, AnswersOfOneRequestShareItsPrompt) {
  const auto request = make_request(30, 2);
  request->num_cached = 16;
  for (const auto& sequence : request->sequences) {
    add_token(*sequence, milliseconds(1000));
    engine_->note_answer(*sequence, FinishReason::kStop);
  }
  add_token(*request->sequences[1], milliseconds(1001));
  engine_->note_success(*request);
  EXPECT_EQ(value("prompt_tokens_total"), "30");
  EXPECT_EQ(value("prefix_cache_queries_total"), "30");
  EXPECT_EQ(value("prefix_cache_hits_total"), "16");
  EXPECT_EQ(value("time_to_first_token_seconds_count"), "2");
  EXPECT_EQ(value("request_success_total", "finished_reason=\"stop\","), "2");
  EXPECT_EQ(value("request_params_n_sum"), "2");
  EXPECT_EQ(value("request_params_n_count"), "1");
  EXPECT_EQ(value("request_max_num_generation_tokens_sum"), "2");
}

TEST_F(EngineMetricsTest, WithoutAPrefixCacheNothingIsAskedOfIt) {
  use({"fake", kContext, 100, 16, false});
  const auto request = make_request(30);
  add_token(*request->sequences[0], milliseconds(1000));
  EXPECT_EQ(value("prefix_cache_queries_total"), "0");
}

TEST_F(EngineMetricsTest, CountsImagesThatAreKnownOnArrival) {
  const auto request = make_request(30);
  request->image_encoded = {true, false, true};
  engine_->note_arrival(*request);
  EXPECT_EQ(value("mm_cache_queries_total"), "3");
  EXPECT_EQ(value("mm_cache_hits_total"), "2");
}

TEST_F(EngineMetricsTest, TellsWhyRequestsEndEarly) {
  const auto request = make_request(30, 2);
  engine_->note_failure(*request, ErrorCode::kCancelled);
  engine_->note_failure(*request, ErrorCode::kTimeout);
  engine_->note_failure(*request, ErrorCode::kInternal);
  EXPECT_EQ(value("request_success_total", "finished_reason=\"abort\","), "4");
  EXPECT_EQ(value("request_success_total", "finished_reason=\"error\","), "2");
}

TEST_F(EngineMetricsTest, CountsTheTokensOfStepsAndPreemptions) {
  const auto request = make_request(30, 2);
  Step step;
  step.sequences = {{request->sequences[0].get(), 20}, {request->sequences[1].get(), 1}};
  engine_->note_step(step, 1);
  engine_->note_step(step, 3);
  engine_->note_step({}, 4);
  EXPECT_EQ(value("iteration_tokens_total_count"), "2");
  EXPECT_EQ(value("iteration_tokens_total_sum"), "42");
  EXPECT_EQ(value("num_preemptions_total"), "4");
}

TEST_F(EngineMetricsTest, ShowsTheLoad) {
  engine_->set_load({3, 5, 8, 256, 0.25, 1});
  EXPECT_EQ(value("num_requests_running"), "3");
  EXPECT_EQ(value("num_requests_waiting"), "5");
  EXPECT_EQ(value("kv_cache_usage_perc"), "0.25");
}

TEST_F(EngineMetricsTest, WithoutMetricsNothingHappens) {
  engine_ = std::make_unique<EngineMetrics>(nullptr, EngineFacts{});
  const auto request = make_request(30);
  engine_->note_arrival(*request);
  engine_->note_step({}, 1);
  add_token(*request->sequences[0], milliseconds(1000));
  engine_->note_answer(*request->sequences[0], FinishReason::kStop);
  engine_->note_success(*request);
  engine_->note_failure(*request, ErrorCode::kInternal);
  engine_->set_load({});
}

}  // namespace
}  // namespace spyhop
