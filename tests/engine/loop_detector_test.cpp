#include "engine/loop_detector.h"

#include <gtest/gtest.h>

#include <random>

namespace spyhop {
namespace {

/// How many tokens of a sequence are taken until it counts as a loop; -1: it never does.
int tokens_until_loop(const LoopGuard& guard, const std::vector<int32_t>& tokens) {
  LoopDetector detector(guard);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (detector.push(tokens[i])) return static_cast<int>(i) + 1;
  }
  return -1;
}

std::vector<int32_t> repeated(const std::vector<int32_t>& phrase, int times) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < times; ++i) tokens.insert(tokens.end(), phrase.begin(), phrase.end());
  return tokens;
}

TEST(LoopDetector, FindsOneTokenSaidWithoutEnd) {
  EXPECT_EQ(tokens_until_loop({64, 4, 20}, repeated({9}, 100)), 20);
}

TEST(LoopDetector, FindsAPhraseOnceBothLimitsAreReached) {
  EXPECT_EQ(tokens_until_loop({64, 4, 20}, repeated({1, 2, 3}, 100)), 20);
  EXPECT_EQ(tokens_until_loop({64, 10, 20}, repeated({1, 2, 3}, 100)), 30);
}

TEST(LoopDetector, CountsFromThePhrasesBeginNotTheAnswers) {
  std::vector<int32_t> tokens{5, 6, 7, 8};
  const std::vector<int32_t> loop = repeated({1, 2}, 50);
  tokens.insert(tokens.end(), loop.begin(), loop.end());
  EXPECT_EQ(tokens_until_loop({64, 3, 12}, tokens), 16);
}

TEST(LoopDetector, LetsALongerPhraseThanItsPeriodPass) {
  std::vector<int32_t> phrase;
  for (int32_t i = 0; i < 9; ++i) phrase.push_back(i);
  EXPECT_EQ(tokens_until_loop({8, 2, 2}, repeated(phrase, 30)), -1);
  EXPECT_EQ(tokens_until_loop({9, 2, 2}, repeated(phrase, 30)), 18);
}

TEST(LoopDetector, LetsRepetitionWithAnInterruptionPass) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 50; ++i) {
    for (const int32_t token : {1, 2, 1, 2, 1, 2}) tokens.push_back(token);
    tokens.push_back(100 + i);
  }
  EXPECT_EQ(tokens_until_loop({64, 4, 8}, tokens), -1);
}

TEST(LoopDetector, AgreesWithAPlainSearch) {
  std::mt19937 random(7);
  const LoopGuard guard{5, 3, 6};
  for (int round = 0; round < 200; ++round) {
    std::vector<int32_t> tokens(60);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 2);
    int expected = -1;
    for (int end = 1; end <= 60 && expected < 0; ++end) {
      for (int period = 1; period <= guard.max_period; ++period) {
        const int length = std::max(guard.min_tokens, guard.min_repeats * period);
        if (length > end) continue;
        bool same = true;
        for (int i = end - length + period; i < end; ++i) {
          same &= tokens[static_cast<size_t>(i)] == tokens[static_cast<size_t>(i - period)];
        }
        if (same) expected = end;
      }
    }
    EXPECT_EQ(tokens_until_loop(guard, tokens), expected);
  }
}

}  // namespace
}  // namespace spyhop
