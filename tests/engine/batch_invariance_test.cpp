// An answer does not depend on its company: the same tokens and the same bits of log-probabilities alone, among others, in
// other chunks, after preemption and from caches. On the miniature checkpoints, by the whole engine.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "common/encoding.h"
#include "common/file.h"
#include "spyhop/engine.h"

namespace spyhop {
namespace {

struct Checkpoint {
  const char* family;
  ComputeType compute;
};

void PrintTo(const Checkpoint& checkpoint, std::ostream* out) {
  *out << checkpoint.family;
}

ImagePart image(const std::string& name) {
  const std::string file = std::string(SPYHOP_TEST_DATA) + "/images/" + name;
  return {"data:image/png;base64," + base64_encode(read_text_file(file, size_t{1} << 20)), ImageDetail::kAuto};
}

/// A text of about `num_words` words, another one for each seed.
std::string words(int num_words, unsigned seed) {
  static const char* const kWords[] = {"whale", "sea", "looks", "around", "blue", "7", "the", "of", "ice\n", "under"};
  std::minstd_rand random(seed);
  std::string text;
  for (int i = 0; i < num_words; ++i) text += std::string(kWords[random() % 10]) + " ";
  return text;
}

ChatRequest ask(std::vector<ContentPart> content, int max_tokens) {
  ChatRequest request;
  request.messages = {{Role::kUser, std::move(content)}};
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  request.sampling.logprobs = true;
  request.sampling.top_logprobs = 3;
  request.sampling.temperature = 0;
  return request;
}

ChatRequest sampled(ChatRequest request, uint64_t seed) {
  request.sampling.temperature = 1.0;
  request.sampling.seed = seed;
  return request;
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
  return requests;
}

void write(std::ostream& out, const std::string& token, double logprob) {
  char bits[64];
  std::snprintf(bits, sizeof bits, " %a|", logprob);
  out << token << bits;
}

void write(std::ostream& out, const TokenLogprob& token) {
  write(out, token.token, token.logprob);
  for (const TopLogprob& top : token.top) write(out, top.token, top.logprob);
  out << "\n";
}

/// All that a stream brings, to the last bit; only how many tokens came from a cache may differ.
struct Answer {
  std::string content;
  int cached_tokens = 0;
};

Answer read(ResponseStream& stream) {
  std::map<int, std::ostringstream> texts;
  std::map<int, std::ostringstream> logprobs;
  for (;;) {
    const std::optional<ChatEvent> event = stream.next(std::chrono::seconds(60));
    if (!event) return {"nothing more came", 0};
    if (const auto* delta = std::get_if<TextDelta>(&*event)) {
      texts[delta->choice] << delta->text;
      for (const TokenLogprob& token : delta->logprobs) write(logprobs[delta->choice], token);
    } else if (const auto* finish = std::get_if<ChoiceFinish>(&*event)) {
      texts[finish->choice] << (finish->reason == FinishReason::kStop ? "\n[stop]" : "\n[length]");
    } else if (const auto* error = std::get_if<StreamError>(&*event)) {
      return {"error: " + error->message, 0};
    } else if (const auto* end = std::get_if<StreamEnd>(&*event)) {
      std::string all = std::to_string(end->usage.completion_tokens);
      for (const auto& [choice, text] : texts) all += "\n#" + std::to_string(choice) + text.str() + logprobs[choice].str();
      return {all, end->usage.cached_tokens};
    }
  }
}

class BatchInvariance : public ::testing::TestWithParam<Checkpoint> {
 protected:
  BatchInvariance() {
    config_.model_path = std::string(SPYHOP_TEST_DATA) + "/" + GetParam().family + "/checkpoint";
    config_.runtime.compute = GetParam().compute;
    config_.runtime.num_threads = 2;
    config_.max_context = 1024;
    config_.max_num_seqs = 32;
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
      EXPECT_EQ(answers[i].content, solo()[i].content) << "request " << i;
    }
  }

  EngineConfig config_;
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
  EXPECT_TRUE(std::regex_search(log_.str(), std::regex("preemptions=[1-9]"))) << "the cache was not small enough";
}

TEST_P(BatchInvariance, HoldsFromThePrefixCache) {
  solo();
  config_.prefix_caching = true;
  start();
  expect_solo_answers(together());
  const std::vector<Answer> again = together();
  expect_solo_answers(again);
  int num_cached = 0;
  for (const Answer& answer : again) num_cached += answer.cached_tokens;
  EXPECT_GT(num_cached, 0);
  expect_solo_answers(alone());
}

constexpr Checkpoint kCheckpoints[] = {
    {"mini-tiny", ComputeType::kF32},  {"mini-small", ComputeType::kF32},  {"mini-base", ComputeType::kF32},
    {"mini-tiny", ComputeType::kBf16}, {"mini-small", ComputeType::kBf16}, {"mini-base", ComputeType::kBf16},
};

INSTANTIATE_TEST_SUITE_P(AllFamilies, BatchInvariance, ::testing::ValuesIn(kCheckpoints), [](const auto& instance) {
  const bool f32 = instance.param.compute == ComputeType::kF32;
  return std::string(instance.param.family).substr(5) + (f32 ? "_f32" : "_bf16");
});

}  // namespace
}  // namespace spyhop
