#include "runtime/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "golden_case.h"
#include "kernels/every_instruction_set.h"
#include "spyhop/error.h"
#include "tensors.h"

namespace spyhop {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::golden_json;
using testing::GoldenTensors;

const std::vector<float> kLogits = {1.0F, 3.0F, -1.0F, 2.0F, 3.0F, 0.0F};

SequenceSampler make_sampler(const SamplingParams& params, const std::vector<int32_t>& prompt = {}, uint64_t seed = 1) {
  return SequenceSampler(params, prompt, static_cast<int>(kLogits.size()), seed);
}

SamplingParams greedy_params() {
  SamplingParams params;
  params.temperature = 0;
  return params;
}

std::vector<int32_t> kept(const std::vector<float>& probabilities) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] > 0) ids.push_back(static_cast<int32_t>(i));
  }
  return ids;
}

std::vector<int32_t> ints(const at::Tensor& tensor) {
  const at::Tensor wide = tensor.to(at::kInt).contiguous();
  return {wide.data_ptr<int32_t>(), wide.data_ptr<int32_t>() + wide.numel()};
}

TEST(Sampler, FinalProbabilitiesAreThoseOfTheReference) {
  const GoldenTensors expected("tables/sampling");
  int checked = 0;
  for (const auto& row : golden_json("tables/sampling.json")) {
    const std::string path = row["case"];
    if (path == "mini-small/cases/grounding_ref") continue;  // its logits are not among the fixtures
    const GoldenTensors recorded(path);
    const at::Tensor logits = recorded.at("logits_last");
    SamplingParams params;
    params.temperature = row["temperature"];
    params.top_p = row["top_p"];
    params.top_k = row["top_k"];
    params.repetition_penalty = row["repetition_penalty"];
    std::vector<int32_t> seen = row.value("generated", std::vector<int32_t>());
    if (row["scope"] == "prompt+generated") {
      const std::vector<int32_t> prompt = ints(recorded.at("input_ids"));
      seen.insert(seen.end(), prompt.begin(), prompt.end());
    }
    const SequenceSampler sampler(params, seen, static_cast<int>(logits.numel()), 0);
    const std::vector<float> ours = sampler.probabilities(logits.data_ptr<float>());
    EXPECT_EQ(kept(ours).size(), row["kept"].get<size_t>()) << path;
    EXPECT_LT(testing::max_difference(at::tensor(ours), expected.at(row["tensor"])), 2e-6) << path;
    ++checked;
  }
  EXPECT_EQ(checked, 5);
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  EXPECT_EQ(make_sampler(greedy_params()).sample(kLogits.data()).id, 1);
  EXPECT_EQ(make_sampler(greedy_params()).probabilities(kLogits.data()), (std::vector<float>{0, 1, 0, 0, 0, 0}));
}

TEST(Sampler, GreedyAppliesPenaltiesAndBias) {
  SamplingParams params = greedy_params();
  params.repetition_penalty = 2.0;
  EXPECT_EQ(make_sampler(params, {1}).sample(kLogits.data()).id, 4);
  params.logit_bias = {{2, 100.0}, {4, -100.0}};
  EXPECT_EQ(make_sampler(params, {1}).sample(kLogits.data()).id, 2);
}

TEST(Sampler, RepetitionPenaltyCountsEachSeenTokenOnceAndDependsOnTheSign) {
  SamplingParams params;
  params.repetition_penalty = 2.0;
  const std::vector<float> ours = make_sampler(params, {1, 1, 1, 2}).probabilities(kLogits.data());
  SamplingParams plain;
  const std::vector<float> changed = {1.0F, 1.5F, -2.0F, 2.0F, 3.0F, 0.0F};
  EXPECT_EQ(ours, make_sampler(plain).probabilities(changed.data()));
}

TEST(Sampler, FrequencyCountsOccurrencesInTheAnswerAndPresenceOnlyOnce) {
  SamplingParams params = greedy_params();
  params.frequency_penalty = 0.5;
  params.presence_penalty = 0.25;
  SequenceSampler sampler = make_sampler(params, {1, 4});  // the prompt does not count
  std::vector<int32_t> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(sampler.sample(kLogits.data()).id);
  // 1 and 4 fall 3.0, 2.25, 1.75; 3 stays at 2.0 until it is taken.
  EXPECT_THAT(ids, ElementsAre(1, 4, 1, 4, 3, 1));
}

TEST(Sampler, TopKKeepsTiesOfTheLastOne) {
  SamplingParams params;
  params.top_k = 1;
  EXPECT_THAT(kept(make_sampler(params).probabilities(kLogits.data())), ElementsAre(1, 4));
  params.top_k = 3;
  EXPECT_THAT(kept(make_sampler(params).probabilities(kLogits.data())), ElementsAre(1, 3, 4));
  params.top_k = 100;
  EXPECT_EQ(kept(make_sampler(params).probabilities(kLogits.data())).size(), kLogits.size());
}

TEST(Sampler, TopPDropsTheTailThatStaysWithinTheRest) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.25F), std::log(0.15F), std::log(0.1F)};
  const auto kept_at = [&logits](double top_p) {
    SamplingParams params;
    params.top_p = top_p;
    return kept(SequenceSampler(params, {}, 4, 0).probabilities(logits.data()));
  };
  EXPECT_THAT(kept_at(0.95), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(kept_at(0.85), ElementsAre(0, 1, 2));
  EXPECT_THAT(kept_at(0.7), ElementsAre(0, 1));
  EXPECT_THAT(kept_at(0.3), ElementsAre(0));
  EXPECT_THAT(kept_at(1e-9), ElementsAre(0));
}

TEST(Sampler, TopPKeepsOneOfManyEquals) {
  const std::vector<float> logits(1000, 0.5F);
  SamplingParams params;
  params.top_p = 1e-6;
  EXPECT_EQ(kept(SequenceSampler(params, {}, 1000, 0).probabilities(logits.data())).size(), 1U);
  params.top_p = 0.5;
  EXPECT_NEAR(static_cast<double>(kept(SequenceSampler(params, {}, 1000, 0).probabilities(logits.data())).size()), 500, 1);
}

TEST(Sampler, TopPWithItsShortCutEqualsTheFullSort) {
  const at::Tensor logits = testing::random_tensor({5000}, 3) * 3;
  const at::Tensor probs = at::softmax(logits.to(at::kDouble), 0);
  const auto [sorted, order] = at::sort(probs);
  for (const double top_p : {0.1, 0.5, 0.9, 0.99}) {
    SamplingParams params;
    params.top_p = top_p;
    const std::vector<float> ours = SequenceSampler(params, {}, 5000, 0).probabilities(logits.data_ptr<float>());
    const at::Tensor keeps = at::zeros({5000}, at::kBool).scatter(0, order, at::cumsum(sorted, 0) > 1 - top_p);
    EXPECT_TRUE(at::equal(at::tensor(ours) > 0, keeps)) << top_p;
  }
}

TEST(Sampler, MinPIsAShareOfTheBest) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.26F), std::log(0.24F)};
  SamplingParams params;
  params.min_p = 0.5;
  const std::vector<float> ours = SequenceSampler(params, {}, 3, 0).probabilities(logits.data());
  EXPECT_THAT(kept(ours), ElementsAre(0, 1));
  EXPECT_NEAR(ours[0], 0.5 / 0.76, 1e-6);
}

TEST(Sampler, TheSameSeedGivesTheSameTokens) {
  const SamplingParams params;
  const auto run = [&params](uint64_t seed) {
    SequenceSampler sampler = make_sampler(params, {}, seed);
    std::vector<int32_t> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.sample(kLogits.data()).id);
    return ids;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(Sampler, TheSameSeedGivesTheSameTokensWithAllInstructionSets) {
  constexpr int kVocabSize = 20011;
  const at::Tensor logits = testing::random_tensor({kVocabSize}, 3) * 3;
  for (const double top_p : {1.0, 0.9}) {
    for (const int top_k : {0, 50, 5000}) {
      SamplingParams params;
      params.temperature = 0.8;
      params.top_p = top_p;
      params.top_k = top_k;
      params.presence_penalty = 0.7;
      params.logprobs = true;
      params.top_logprobs = 5;
      std::vector<std::vector<int32_t>> runs;
      std::vector<float> logprobs;
      testing::for_every_instruction_set([&] {
        SequenceSampler sampler(params, {}, kVocabSize, /*seed=*/9);
        runs.emplace_back();
        for (int i = 0; i < 200; ++i) runs.back().push_back(sampler.sample(logits.data_ptr<float>()).id);
        logprobs.push_back(sampler.sample(logits.data_ptr<float>()).logprob);
      });
      EXPECT_THAT(runs, Each(runs.front())) << top_p << ", " << top_k;
      EXPECT_THAT(logprobs, Each(logprobs.front())) << top_p << ", " << top_k;
    }
  }
}

TEST(Sampler, DrawsAsOftenAsTheProbabilitiesSay) {
  const SamplingParams params;
  SequenceSampler sampler = make_sampler(params, {}, 5);
  const std::vector<float> expected = sampler.probabilities(kLogits.data());
  std::vector<int> counts(kLogits.size(), 0);
  constexpr int kDraws = 40000;
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(sampler.sample(kLogits.data()).id)];
  for (size_t i = 0; i < counts.size(); ++i) EXPECT_NEAR(counts[i] / static_cast<double>(kDraws), expected[i], 0.012) << i;
}

TEST(Sampler, DrawsOnlyWhatIsAllowedAndReportsLogprobsOfTheModel) {
  for (const double temperature : {0.0, 1.0}) {
    for (const int top_k : {0, 3}) {
      for (const double top_p : {1.0, 0.9}) {
        SamplingParams params;
        params.temperature = temperature;
        params.top_k = top_k;
        params.top_p = top_p;
        params.logprobs = true;
        SequenceSampler sampler = make_sampler(params);
        const uint64_t allowed = 0b100100;
        for (int i = 0; i < 20; ++i) {
          const SampledToken token = sampler.sample(kLogits.data(), &allowed);
          EXPECT_TRUE(token.id == 2 || token.id == 5) << token.id;
          EXPECT_LT(token.logprob, -3.0F);  // beside the excluded ones, which have nearly all of the probability
        }
      }
    }
  }
  const uint64_t none = 0;
  EXPECT_THROW(make_sampler(greedy_params()).sample(kLogits.data(), &none), Error);
}

TEST(Sampler, ReportsLogprobsOfTheModelAndNotOfTheFilters) {
  SamplingParams params = greedy_params();
  params.logit_bias = {{3, 50.0}};
  params.logprobs = true;
  params.top_logprobs = 3;
  const SampledToken token = make_sampler(params).sample(kLogits.data());
  double sum = 0;
  for (const float value : kLogits) sum += std::exp(value);
  EXPECT_EQ(token.id, 3);
  EXPECT_NEAR(token.logprob, 2.0 - std::log(sum), 1e-6);
  ASSERT_EQ(token.top.size(), 3U);
  EXPECT_EQ(token.top[0].first, 1);  // ties by id
  EXPECT_EQ(token.top[1].first, 4);
  EXPECT_EQ(token.top[2].first, 3);
  EXPECT_NEAR(token.top[0].second, 3.0 - std::log(sum), 1e-6);
}

TEST(Sampler, ReportsTheBestOfAWideRowWithTiesById) {
  std::vector<float> logits(5000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i * 7919 % 2500) * 1e-3F;  // each value twice
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&logits](int32_t id) { return logits[static_cast<size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return at(a) > at(b); });
  double sum = 0;
  for (const float value : logits) sum += std::exp(double{value});

  SamplingParams params = greedy_params();
  params.logprobs = true;
  params.top_logprobs = 20;
  const SampledToken token = SequenceSampler(params, {}, 5000, 0).sample(logits.data());
  ASSERT_EQ(token.top.size(), 20U);
  for (size_t i = 0; i < token.top.size(); ++i) {
    EXPECT_EQ(token.top[i].first, order[i]);
    EXPECT_NEAR(token.top[i].second, at(order[i]) - std::log(sum), 1e-6);
  }
}

TEST(Sampler, ReportsOnlyNumbersAmongTheBest) {
  const std::vector<float> logits = {std::nanf(""), 1.0F, -std::numeric_limits<float>::infinity(), std::nanf("")};
  SamplingParams params = greedy_params();
  params.logprobs = true;
  params.top_logprobs = 4;
  const SampledToken token = SequenceSampler(params, {}, 4, 0).sample(logits.data());
  EXPECT_EQ(token.logprob, 0.0F);
  ASSERT_EQ(token.top.size(), 2U);
  EXPECT_EQ(token.top[0].first, 1);
  EXPECT_EQ(token.top[1].first, 2);
}

TEST(Sampler, ReportsNoLogprobsUnasked) {
  EXPECT_TRUE(make_sampler(greedy_params()).sample(kLogits.data()).top.empty());
}

TEST(Sampler, NeverChoosesNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> logits = {nan, 1.0F, nan, 0.5F, nan, nan};
  EXPECT_EQ(make_sampler(greedy_params()).sample(logits.data()).id, 1);
  SamplingParams params;
  EXPECT_THAT(kept(make_sampler(params).probabilities(logits.data())), ElementsAre(1, 3));
  const std::vector<float> none(kLogits.size(), nan);
  EXPECT_THROW(make_sampler(greedy_params()).sample(none.data()), Error);
  EXPECT_THROW(make_sampler(params).sample(none.data()), Error);
}

TEST(Sampler, RefusesABiasOnATokenOutsideTheVocabulary) {
  SamplingParams params;
  params.logit_bias = {{6, 1.0}};
  try {
    make_sampler(params);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
    EXPECT_STREQ(error.what(), "logit_bias names token 6; the vocabulary has 0 to 5");
    EXPECT_EQ(error.param(), "logit_bias");
  }
}

}  // namespace
}  // namespace spyhop
