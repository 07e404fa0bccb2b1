#include "runtime/router.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensors.h"

namespace spyhop {
namespace {

LanguageConfig config_with(TopkMethod method, ScoringFunc scoring, int k) {
  LanguageConfig config;
  config.topk_method = method;
  config.scoring_func = scoring;
  config.num_experts_per_token = k;
  return config;
}

Router make_router(const LanguageConfig& config, int64_t num_experts, const std::vector<float>& bias = {}) {
  Weights::Map tensors{{"gate.weight", at::eye(num_experts)}};
  if (!bias.empty()) tensors["gate.e_score_correction_bias"] = at::tensor(bias);
  return Router(Weights(std::move(tensors)), "gate", config);
}

at::Tensor logits_of(const std::vector<float>& values) {
  return at::tensor(values).view({1, -1});
}

/// The logit whose sigmoid is `score`.
float logit(double score) {
  return static_cast<float>(std::log(score / (1 - score)));
}

void expect_weights(const Routing& routing, const std::vector<double>& expected) {
  ASSERT_EQ(routing.weights.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(routing.weights[i], expected[i], 1e-6) << i;
}

TEST(Router, SoftmaxWeightsAreSharesOfAllExpertsAndNotRenormalised) {
  LanguageConfig config = config_with(TopkMethod::kGreedy, ScoringFunc::kSoftmax, 2);
  const at::Tensor logits = logits_of({std::log(1.0F), std::log(4.0F), std::log(2.0F), std::log(3.0F)});
  const Routing routing = make_router(config, 4).choose(logits);
  EXPECT_EQ(routing.ids, (std::vector<int32_t>{1, 3}));
  expect_weights(routing, {0.4, 0.3});
  config.norm_topk_prob = true;
  config.routed_scaling_factor = 2.0;
  expect_weights(make_router(config, 4).choose(logits), {8.0 / 7, 6.0 / 7});
}

TEST(Router, OneExpertIsNeverRenormalised) {
  LanguageConfig config = config_with(TopkMethod::kGreedy, ScoringFunc::kSoftmax, 1);
  config.norm_topk_prob = true;
  expect_weights(make_router(config, 2).choose(logits_of({std::log(1.0F), std::log(3.0F)})), {0.75});
}

TEST(Router, TheCorrectionBiasChoosesButDoesNotWeigh) {
  LanguageConfig config = config_with(TopkMethod::kNoauxTc, ScoringFunc::kSigmoid, 2);
  config.norm_topk_prob = true;
  config.routed_scaling_factor = 2.0;
  const Router router = make_router(config, 3, {0.0F, 0.5F, 0.0F});
  const Routing routing = router.choose(logits_of({logit(0.6), logit(0.2), logit(0.5)}));  // biased: 0.6, 0.7, 0.5
  EXPECT_EQ(routing.ids, (std::vector<int32_t>{1, 0}));
  expect_weights(routing, {2 * 0.2 / 0.8, 2 * 0.6 / 0.8});
}

TEST(Router, NoauxGroupsScoreByTheirTwoBest) {
  LanguageConfig config = config_with(TopkMethod::kNoauxTc, ScoringFunc::kSigmoid, 2);
  config.n_group = 2;
  config.topk_group = 1;
  // Group 0 holds the single best expert, group 1 the better pair.
  const at::Tensor logits = logits_of({logit(0.9), logit(0.1), logit(0.6), logit(0.7)});
  const Routing routing = make_router(config, 4, {0, 0, 0, 0}).choose(logits);
  EXPECT_EQ(routing.ids, (std::vector<int32_t>{3, 2}));
  expect_weights(routing, {0.7, 0.6});
}

TEST(Router, GroupLimitedGreedyScoresGroupsByTheirBest) {
  LanguageConfig config = config_with(TopkMethod::kGroupLimitedGreedy, ScoringFunc::kSoftmax, 2);
  config.n_group = 2;
  config.topk_group = 1;
  const at::Tensor logits = logits_of({std::log(9.0F), std::log(1.0F), std::log(6.0F), std::log(4.0F)});
  const Routing routing = make_router(config, 4).choose(logits);
  EXPECT_EQ(routing.ids, (std::vector<int32_t>{0, 1}));
  expect_weights(routing, {0.45, 0.05});
}

TEST(Router, AMaskedGroupCountsAsZeroAndSoMayBeatNegativeScores) {
  LanguageConfig config = config_with(TopkMethod::kNoauxTc, ScoringFunc::kSigmoid, 2);
  config.n_group = 2;
  config.topk_group = 1;
  // Biased: 0.8, -0.5 | -0.6, -0.7. Group 0 wins; its second expert is below the masked ones' 0.
  const Router router = make_router(config, 4, {0.0F, -1.0F, -1.0F, -1.0F});
  const Routing routing = router.choose(logits_of({logit(0.8), logit(0.5), logit(0.4), logit(0.3)}));
  EXPECT_EQ(routing.ids, (std::vector<int32_t>{0, 2}));
  expect_weights(routing, {0.8, 0.4});
}

TEST(Router, EqualScoresTakeTheLowerExpertFirst) {
  const LanguageConfig config = config_with(TopkMethod::kGreedy, ScoringFunc::kSoftmax, 3);
  EXPECT_EQ(make_router(config, 5).choose(at::zeros({2, 5})).ids, (std::vector<int32_t>{0, 1, 2, 0, 1, 2}));
}

TEST(Router, ComputesItsProductsInF32FromBf16Tokens) {
  const LanguageConfig config = config_with(TopkMethod::kGreedy, ScoringFunc::kSoftmax, 1);
  // 256 + 0.5 is not a bf16 number: rounded products would tie and give expert 0.
  Weights::Map tensors;
  tensors["gate.weight"] = at::tensor(std::vector<float>{256, 0, 256, 0.5}).view({2, 2}).to(at::kBFloat16);
  const Router router(Weights(std::move(tensors)), "gate", config);
  EXPECT_EQ(router.route(at::ones({1, 2}).to(at::kBFloat16)).ids, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace spyhop
