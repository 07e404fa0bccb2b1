#include "engine/sequence.h"

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "support/fake_model.h"

namespace spyhop {
namespace {

class SequenceTest : public ::testing::Test {
 protected:
  struct Answer {
    std::string text;
    std::vector<std::string> logprobs;
    std::optional<FinishReason> finish;
    ChoiceFinish last{};
    int num_tokens = 0;
  };

  /// Feeds bytes, then eos, until the sequence is finished.
  Answer generate(std::string_view bytes) {
    request_.prompt.token_ids = {'p'};
    Sequence sequence(request_, 0, {tokenizer_, 300, 16}, 1);
    Answer answer;
    for (size_t i = 0; i <= bytes.size() && !answer.finish; ++i) {
      const int32_t id = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : FakeTokenizer::kEos;
      SequenceOutput output = sequence.append({id, -1.0F, {}});
      answer.text += output.delta.text;
      for (const TokenLogprob& logprob : output.delta.logprobs) answer.logprobs.push_back(logprob.token);
      if (!output.finish) continue;
      answer.last = *output.finish;
      answer.finish = answer.last.reason;
    }
    answer.num_tokens = sequence.num_generated();
    EXPECT_EQ(sequence.finished(), answer.finish.has_value());
    return answer;
  }

  FakeTokenizer tokenizer_;
  Request request_ = [] {
    Request request;
    request.max_tokens = 100;
    return request;
  }();
};

TEST_F(SequenceTest, EndsAtEosWithoutItsText) {
  const Answer answer = generate("hi");
  EXPECT_EQ(answer.text, "hi");
  EXPECT_EQ(answer.finish, FinishReason::kStop);
  EXPECT_EQ(answer.num_tokens, 3);
}

TEST_F(SequenceTest, AStopTokenEndsItAndIsNamed) {
  request_.chat.stop_token_ids = {'c'};
  const Answer answer = generate("abcd");
  EXPECT_EQ(answer.text, "ab");
  EXPECT_EQ(answer.finish, FinishReason::kStop);
  EXPECT_EQ(answer.last.stop_token, 'c');
  EXPECT_EQ(answer.last.stop_string, -1);
  EXPECT_EQ(answer.num_tokens, 3);
}

TEST_F(SequenceTest, EosIsNeverNamedAsAStopToken) {
  request_.chat.stop_token_ids = {FakeTokenizer::kEos};
  EXPECT_EQ(generate("ab").last.stop_token, -1);
}

TEST_F(SequenceTest, TheStopThatEndsItIsNamedByItsPlace) {
  request_.chat.stop = {"xx", "cd"};
  const Answer answer = generate("abcdef");
  EXPECT_EQ(answer.text, "ab");
  EXPECT_EQ(answer.last.stop_string, 1);
  EXPECT_EQ(answer.last.num_tokens, 4);
}

TEST_F(SequenceTest, WhatEndsItIsShownWhereItIsToBeIncluded) {
  request_.chat.include_stop = true;
  request_.chat.stop = {"cd"};
  EXPECT_EQ(generate("abcdef").text, "abcd");
  EXPECT_EQ(generate("ab").text, "ab");
  request_.chat.stop_token_ids = {'b'};
  const Answer answer = generate("abcdef");
  EXPECT_EQ(answer.text, "ab");
  EXPECT_EQ(answer.finish, FinishReason::kStop);
}

TEST_F(SequenceTest, StopStringsCountAfterTheLeastNumberOfTokens) {
  request_.chat.sampling.min_tokens = 3;
  request_.chat.stop = {"b"};
  const Answer answer = generate("abbabb");
  EXPECT_EQ(answer.text, "abba");
  EXPECT_EQ(answer.finish, FinishReason::kStop);
}

TEST_F(SequenceTest, IgnoreEosGoesOnAndShowsIt) {
  request_.chat.ignore_eos = true;
  request_.max_tokens = 3;
  const Answer answer = generate("hi");
  EXPECT_EQ(answer.text, "hi<eos>");
  EXPECT_EQ(answer.finish, FinishReason::kLength);
}

TEST_F(SequenceTest, EndsAtMaxTokens) {
  request_.max_tokens = 3;
  const Answer answer = generate("hello");
  EXPECT_EQ(answer.text, "hel");
  EXPECT_EQ(answer.finish, FinishReason::kLength);
  EXPECT_EQ(answer.num_tokens, 3);
}

TEST_F(SequenceTest, AStopStringOverSeveralTokensIsNeverShown) {
  request_.chat.stop = {"\n\nUser:"};
  const Answer answer = generate("yes\n\nUser: no");
  EXPECT_EQ(answer.text, "yes");
  EXPECT_EQ(answer.finish, FinishReason::kStop);
}

TEST_F(SequenceTest, TextHeldBackForAStopStringComesAtTheEnd) {
  request_.chat.stop = {"ENDED"};
  EXPECT_EQ(generate("the END").text, "the END");
  request_.max_tokens = 7;
  const Answer cut = generate("the END of it");
  EXPECT_EQ(cut.text, "the END");
  EXPECT_EQ(cut.finish, FinishReason::kLength);
}

TEST_F(SequenceTest, AnUnfinishedCharacterAtTheEndBecomesAReplacementCharacter) {
  EXPECT_EQ(generate("a\xE4\xBD").text, "a\xEF\xBF\xBD");
}

TEST_F(SequenceTest, AStopStringMadeOfTheReplacementCharacterStillMatchesAtTheEnd) {
  request_.chat.stop = {"\xEF\xBF\xBD"};
  const Answer answer = generate("a\xE4\xBD");
  EXPECT_EQ(answer.text, "a");
  EXPECT_EQ(answer.finish, FinishReason::kStop);
}

TEST_F(SequenceTest, LogprobsFollowTheTextThatIsShown) {
  request_.chat.sampling.logprobs = true;
  request_.chat.stop = {"cd"};
  EXPECT_EQ(generate("abcde").logprobs, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(generate("abc").logprobs, (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace spyhop
