#include "runtime/token_bans.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/sampler.h"

namespace spyhop {
namespace {

/// The tokens of a vocabulary of six that are not out.
std::vector<int32_t> left(const TokenBans& bans) {
  std::vector<float> logits(6, 1.0F);
  bans.apply(logits.data(), 6);
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < 6; ++id) {
    if (!std::isinf(logits[static_cast<size_t>(id)])) ids.push_back(id);
  }
  return ids;
}

using Ids = std::vector<int32_t>;

TEST(token_bans, ChangeNothingWithoutRules) {
  const TokenBans bans(TokenRules{});
  EXPECT_FALSE(bans.any());
}

TEST(token_bans, KeepTheAllowedTokensAsTheyAre) {
  const TokenBans bans({{1, 4}, {}, 0, {}});
  EXPECT_EQ(left(bans), (Ids{1, 4}));
  std::vector<float> logits = {9, -2, 9, 9, 0.5F, 9};
  bans.apply(logits.data(), 6);
  EXPECT_EQ(logits[1], -2.0F);
  EXPECT_EQ(logits[4], 0.5F);
}

TEST(token_bans, EndsAreOutUntilThereAreEnoughTokens) {
  TokenBans bans({{}, {0, 5}, 2, {}});
  EXPECT_EQ(left(bans), (Ids{1, 2, 3, 4}));
  bans.count(1);
  EXPECT_EQ(left(bans), (Ids{1, 2, 3, 4}));
  bans.count(1);
  EXPECT_FALSE(bans.any());
}

TEST(token_bans, EndsAreNotOutWhereAMaskLeavesNothingElse) {
  const TokenBans bans({{}, {0, 5, 5}, 2, {}});
  std::vector<float> logits(6, 1.0F);
  const uint64_t others = 0b100001 | 0b10;
  bans.apply(logits.data(), 6, &others);
  EXPECT_TRUE(std::isinf(logits[0]) && std::isinf(logits[5]));
  logits.assign(6, 1.0F);
  const uint64_t ends = 0b100001;
  bans.apply(logits.data(), 6, &ends);
  EXPECT_EQ(logits, std::vector<float>(6, 1.0F));
}

TEST(token_bans, ABadWordOfOneTokenIsAlwaysOut) {
  EXPECT_EQ(left(TokenBans({{}, {}, 0, {{3}}})), (Ids{0, 1, 2, 4, 5}));
}

TEST(token_bans, TheLastTokenOfABadWordIsOutAfterTheOthers) {
  TokenBans bans({{}, {}, 0, {{1, 2, 3}, {2, 4}}});
  bans.count(2);
  EXPECT_EQ(left(bans), (Ids{0, 1, 2, 3, 5}));
  bans.count(1);
  EXPECT_EQ(left(bans), (Ids{0, 1, 2, 3, 4, 5}));
  bans.count(2);
  EXPECT_EQ(left(bans), (Ids{0, 1, 2, 5}));
  bans.count(5);
  EXPECT_EQ(left(bans), (Ids{0, 1, 2, 3, 4, 5}));
}

TEST(token_bans, ASamplerNeverChoosesWhatIsOutWhateverItsBias) {
  SamplingParams params;
  params.logit_bias[2] = 100;
  const std::vector<float> logits(6, 0.0F);
  SequenceSampler sampler(params, {}, 6, 1, {{1, 3}, {}, 0, {{3}}});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sampler.sample(logits.data()).id, 1);
  params.temperature = 0;
  SequenceSampler greedy(params, {}, 6, 1, {{}, {2}, 1, {}});
  EXPECT_EQ(greedy.sample(logits.data()).id, 0);
  EXPECT_EQ(greedy.sample(logits.data()).id, 2);
}

}  // namespace
}  // namespace spyhop
