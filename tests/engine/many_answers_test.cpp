// Several answers to one request: each as if it had been asked for alone.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <set>
#include <string>

#include "engine/sequence.h"
#include "golden_engine.h"

namespace spyhop {
namespace {

using namespace testing;

class ManyAnswers : public ::testing::TestWithParam<Checkpoint> {
 protected:
  ManyAnswers() {
    spdlog::set_level(spdlog::level::off);
    engine_ = make_engine(config_of(GetParam()));
  }

  Answer answer(const ChatRequest& request) { return read(*engine_->submit(request)); }

  std::unique_ptr<Engine> engine_;
};

ChatRequest question(uint64_t seed) {
  return sampled(ask({TextPart{words(40, 3)}}, 40), seed);
}

TEST_P(ManyAnswers, HaveSeedsPenaltiesStopsAndLogprobsOfTheirOwn) {
  ChatRequest request = question(77);
  request.n = 5;
  request.ignore_eos = false;
  request.stop = {"ine", "th", "\xe4"};
  request.sampling.top_p = 0.98;
  request.sampling.repetition_penalty = 1.1;
  request.sampling.frequency_penalty = 1.5;
  request.sampling.presence_penalty = -0.5;
  request.sampling.logit_bias = {{300, 4.0}, {301, 4.0}};
  const Answer together = answer(request);
  ASSERT_EQ(together.choices.size(), 5U);
  int num_tokens = 0;
  for (int choice = 0; choice < 5; ++choice) {
    ChatRequest alone = request;
    alone.n = 1;
    alone.sampling.seed = answer_seed(77, choice);
    const Answer single = answer(alone);
    EXPECT_EQ(single.choices.at(0), together.choices[static_cast<size_t>(choice)]) << choice;
    num_tokens += single.usage.completion_tokens;
  }
  EXPECT_EQ(together.usage.completion_tokens, num_tokens);
}

TEST_P(ManyAnswers, DifferWhereTheyAreDrawnAndAgreeWhereTheyAreNot) {
  ChatRequest request = question(5);
  request.n = 4;
  const Answer drawn = answer(request);
  EXPECT_EQ(std::set<std::string>(drawn.choices.begin(), drawn.choices.end()).size(), 4U);
  request.sampling.temperature = 0;
  const Answer greedy = answer(request);
  EXPECT_EQ(std::set<std::string>(greedy.choices.begin(), greedy.choices.end()).size(), 1U);
}

TEST_P(ManyAnswers, OfWhichSomeEndEarlyLeaveTheOthersAlone) {
  ChatRequest request = question(9);
  request.n = 6;
  request.stop = {"a"};
  const Answer all = answer(request);
  bool stopped = false;
  for (int choice = 0; choice < 6; ++choice) {
    ChatRequest alone = request;
    alone.n = 1;
    alone.sampling.seed = answer_seed(9, choice);
    EXPECT_EQ(answer(alone).choices.at(0), all.choices.at(static_cast<size_t>(choice))) << choice;
    stopped = stopped || all.choices[static_cast<size_t>(choice)].find("[stop]") != std::string::npos;
  }
  EXPECT_TRUE(stopped);
}

TEST_P(ManyAnswers, AboutAnImageCountItOnce) {
  ChatRequest request = sampled(ask({image("exact_90.png"), TextPart{"What is it?"}}, 10), 3);
  request.n = 3;
  const Answer three = answer(request);
  request.n = 1;
  const Answer one = answer(request);
  EXPECT_EQ(one.choices.at(0), three.choices.at(0));
  EXPECT_EQ(three.usage.image_tokens, one.usage.image_tokens);
  EXPECT_EQ(three.usage.prompt_tokens, one.usage.prompt_tokens);
  EXPECT_EQ(three.usage.completion_tokens, 30);
}

TEST_P(ManyAnswers, OfASecondTurnComputeOnlyWhatIsNew) {
  ChatRequest request = ask({image("exact_90.png"), TextPart{"What is it?"}}, 20);
  const Answer first = answer(request);
  request.messages.push_back({Role::kAssistant, {TextPart{"A pattern."}}});
  request.messages.push_back({Role::kUser, {TextPart{"Which colour?"}}});
  const Answer second = answer(request);
  EXPECT_GE(second.usage.cached_tokens, first.usage.prompt_tokens / 16 * 16);
  EXPECT_LT(second.usage.cached_tokens, second.usage.prompt_tokens);
  request.cache_salt = "another tenant";
  const Answer anew = answer(request);
  EXPECT_EQ(anew.usage.cached_tokens, 0);
  EXPECT_EQ(anew.choices, second.choices);
}

INSTANTIATE_TEST_SUITE_P(AllFamilies, ManyAnswers, ::testing::ValuesIn(kCheckpoints),
                         [](const auto& instance) { return name_of(instance.param); });

}  // namespace
}  // namespace spyhop
