// An answer does not depend on its company: the same tokens and the same bits of log-probabilities alone, among others, in
// other chunks, after preemption and from caches. On the miniature checkpoints, by the whole engine.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "golden_engine.h"

namespace spyhop {
namespace {

/// Requests of the log that were preempted.
int num_preempted(const std::string& log) {
  const std::string field = " preemptions=";
  int count = 0;
  for (size_t at = log.find(field); at != std::string::npos; at = log.find(field, at + 1)) {
    count += log[at + field.size()] != '0';
  }
  return count;
}

using namespace testing;

/// Under a schema, a pattern and a limit on boxes.
std::vector<ChatRequest> constrained_requests() {
  std::vector<ChatRequest> requests;
  requests.push_back(sampled(ask({TextPart{words(20, 30)}}, 40), 30));
  requests.back().n = 2;
  requests.back().constraint = JsonSchemaConstraint{
      R"({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}})"};
  requests.push_back(ask({TextPart{words(10, 31)}}, 30));
  requests.back().constraint = RegexConstraint{"[a-z ]{5,60}[.]"};
  requests.push_back(sampled(ask({TextPart{words(10, 32)}}, 30), 32));
  requests.back().sampling.repetition_penalty = 1.1;
  requests.back().boxes = BoxConstraint{2};
  return requests;
}

/// Of mixed lengths, greedy and sampled, about images, with several answers, with penalties and stops.
std::vector<ChatRequest> all_requests() {
  std::vector<ChatRequest> requests;
  requests.push_back(ask({TextPart{"What is it?"}}, 30));
  requests.push_back(sampled(ask({TextPart{words(150, 1)}}, 25), 7));
  requests.push_back(ask({image("sq_noise_96.png"), TextPart{"Describe it."}}, 20));
  requests.push_back(sampled(ask({TextPart{words(40, 2)}}, 40), 8));
  requests.back().n = 3;
  requests.back().sampling.top_p = 0.9;
  requests.back().sampling.repetition_penalty = 1.2;
  requests.push_back(sampled(ask({TextPart{words(5, 3)}, image("one_pixel.png"), TextPart{words(30, 4)}}, 20), 9));
  requests.back().n = 2;
  requests.back().sampling.frequency_penalty = 0.5;
  requests.push_back(sampled(ask({TextPart{words(90, 5)}}, 60), 10));
  requests.back().stop = {"e", "in"};
  requests.back().ignore_eos = false;
  for (unsigned i = 0; i < 4; ++i) {
    requests.push_back(sampled(ask({TextPart{words(1 + static_cast<int>(i) * 25, 20 + i)}}, 15 + static_cast<int>(i)), i));
    requests.back().sampling.top_k = 50;
    requests.back().sampling.logit_bias = {{static_cast<int32_t>(100 + i), 2.0}};
  }
  requests.push_back(requests[2]);  // the same image twice at the same time
  for (ChatRequest& request : constrained_requests()) requests.push_back(std::move(request));
  return requests;
}

class BatchInvariance : public ::testing::TestWithParam<Checkpoint> {
 protected:
  BatchInvariance() {
    config_.prefix_caching = false;
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_);
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("engine", sink));
    spdlog::set_level(spdlog::level::info);
  }
  ~BatchInvariance() override {
    engine_.reset();
    spdlog::set_default_logger(before_);
  }

  void start() {
    engine_.reset();
    engine_ = make_engine(config_);
  }

  /// One after the other.
  std::vector<Answer> alone() {
    std::vector<Answer> answers;
    for (const ChatRequest& request : requests_) answers.push_back(read(*engine_->submit(request)));
    return answers;
  }

  /// All at once, submitted in this order; answers in the order of requests_.
  std::vector<Answer> together(const std::vector<size_t>& order) {
    std::vector<std::unique_ptr<ResponseStream>> streams(requests_.size());
    for (const size_t i : order) streams[i] = engine_->submit(requests_[i]);
    std::vector<Answer> answers;
    for (const auto& stream : streams) answers.push_back(read(*stream));
    return answers;
  }
  std::vector<Answer> together() {
    std::vector<size_t> order(requests_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    return together(order);
  }

  /// The expected answers: each alone.
  const std::vector<Answer>& solo() {
    if (solo_.empty()) {
      const EngineConfig config = config_;
      start();
      solo_ = alone();
      config_ = config;
    }
    return solo_;
  }

  void expect_solo_answers(const std::vector<Answer>& answers) {
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(answers[i].choices, solo()[i].choices) << "request " << i;
    }
  }

  EngineConfig config_ = config_of(GetParam());
  std::vector<ChatRequest> requests_ = all_requests();
  std::vector<Answer> solo_;
  std::unique_ptr<Engine> engine_;
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_P(BatchInvariance, HoldsAmongOthersInAnyOrder) {
  solo();
  start();
  expect_solo_answers(together());
  std::vector<size_t> order(requests_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), std::minstd_rand(3));
  expect_solo_answers(together(order));
}

TEST_P(BatchInvariance, HoldsInOtherChunksOfPromptsAndSlicesOfImages) {
  solo();
  for (const int num_tokens : {7, 64}) {
    config_.prefill_chunk = 3 * num_tokens;
    config_.interleaved_prefill_chunk = num_tokens;
    config_.interleaved_vision_layers = 1;
    config_.vision_cache_bytes = 0;
    start();
    expect_solo_answers(alone());
    expect_solo_answers(together());
  }
}

TEST_P(BatchInvariance, HoldsThroughPreemption) {
  for (ChatRequest& request : requests_) *request.max_tokens *= 3;
  solo();
  config_.runtime.kv_cache_tokens = config_.max_context;
  start();
  log_.str("");
  expect_solo_answers(together());
  engine_.reset();
  EXPECT_GT(num_preempted(log_.str()), 0) << "the cache was not small enough";
}

TEST_P(BatchInvariance, HoldsFromThePrefixCache) {
  solo();
  config_.prefix_caching = true;
  start();
  expect_solo_answers(together());
  const std::vector<Answer> again = together();
  expect_solo_answers(again);
  int num_cached = 0;
  for (const Answer& answer : again) num_cached += answer.usage.cached_tokens;
  EXPECT_GT(num_cached, 0);
  expect_solo_answers(alone());
}

INSTANTIATE_TEST_SUITE_P(AllFamilies, BatchInvariance, ::testing::ValuesIn(kCheckpoints),
                         [](const auto& instance) { return name_of(instance.param); });
INSTANTIATE_TEST_SUITE_P(Quantized, BatchInvariance, ::testing::ValuesIn(kQuantizedCheckpoints),
                         [](const auto& instance) { return name_of(instance.param); });

}  // namespace
}  // namespace spyhop
