#include "engine/response_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace spyhop {
namespace {

using std::chrono::milliseconds;

constexpr size_t kPlenty = size_t{1} << 20;

TokenLogprob logprob_of(const std::string& token) {
  return {token, -1, std::vector<TopLogprob>(20, {token, -1})};
}

TEST(ResponseChannel, GivesNothingWhenNoEventComesInTime) {
  ResponseChannel channel(kPlenty);
  EXPECT_FALSE(channel.next(milliseconds(1)).has_value());
}

TEST(ResponseChannel, WakesAWaitingReader) {
  ResponseChannel channel(kPlenty);
  std::thread writer([&] { channel.push(TextDelta{0, "a", {}}); });
  const auto event = channel.next(milliseconds(5000));
  writer.join();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(std::get<TextDelta>(*event).text, "a");
}

TEST(ResponseChannel, JoinsTextThatPilesUpPerChoice) {
  ResponseChannel channel(kPlenty);
  channel.push(TextDelta{0, "a", {{"a", -1, {}}}});
  channel.push(TextDelta{0, "b", {{"b", -2, {}}}});
  channel.push(TextDelta{1, "c", {}});
  channel.push(TextDelta{0, "d", {}});
  channel.push(ChoiceFinish{0, FinishReason::kStop});
  channel.push(TextDelta{1, "e", {}});
  const auto first = std::get<TextDelta>(*channel.next(milliseconds(0)));
  EXPECT_EQ(first.text, "abd");
  ASSERT_EQ(first.logprobs.size(), 2U);
  EXPECT_EQ(first.logprobs[1].token, "b");
  const auto second = std::get<TextDelta>(*channel.next(milliseconds(0)));
  EXPECT_EQ(second.choice, 1);
  EXPECT_EQ(second.text, "ce");
  EXPECT_TRUE(std::holds_alternative<ChoiceFinish>(*channel.next(milliseconds(0))));
  EXPECT_FALSE(channel.next(milliseconds(0)).has_value());
}

TEST(ResponseChannel, HoldsNoMoreEventsThanChoicesHoweverManyTokensWait) {
  ResponseChannel channel(kPlenty);
  for (int token = 0; token < 1000; ++token) {
    for (int choice = 0; choice < 8; ++choice) channel.push(TextDelta{choice, "x", {}});
  }
  for (int choice = 0; choice < 8; ++choice) {
    const auto delta = std::get<TextDelta>(*channel.next(milliseconds(0)));
    EXPECT_EQ(delta.choice, choice);
    EXPECT_EQ(delta.text.size(), 1000U);
  }
  EXPECT_FALSE(channel.next(milliseconds(0)).has_value());
}

TEST(ResponseChannel, CutsWaitingLogprobsIntoEventsOfABoundedSize) {
  ResponseChannel channel(kPlenty);
  for (int token = 0; token < 300; ++token) channel.push(TextDelta{0, "x", {logprob_of("x")}});
  size_t num_logprobs = 0;
  while (const auto event = channel.next(milliseconds(0))) {
    const auto& delta = std::get<TextDelta>(*event);
    EXPECT_LE(delta.logprobs.size(), 64U);
    EXPECT_EQ(delta.text.size(), delta.logprobs.size());
    num_logprobs += delta.logprobs.size();
  }
  EXPECT_EQ(num_logprobs, 300U);
}

TEST(ResponseChannel, GivesUpAReaderThatLetsTooMuchPileUp) {
  ResponseChannel channel(1000);
  channel.push(TextDelta{0, std::string(1000, 'x'), {}});
  EXPECT_FALSE(channel.cancelled());
  channel.push(TextDelta{0, "y", {}});
  EXPECT_TRUE(channel.cancelled());
  channel.push(TextDelta{0, "more", {}});
  channel.push(StreamEnd{});
  const auto error = std::get<StreamError>(*channel.next(milliseconds(0)));
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_NE(error.message.find("1000 bytes"), std::string::npos);
  EXPECT_FALSE(channel.next(milliseconds(0)).has_value());
}

TEST(ResponseChannel, LogprobsCountAsWaitingBytes) {
  ResponseChannel channel(100'000);
  for (int token = 0; token < 1000; ++token) channel.push(TextDelta{0, "x", {logprob_of("x")}});
  EXPECT_TRUE(channel.cancelled());
}

TEST(ResponseChannel, AReaderThatKeepsUpMayTakeAnyAmount) {
  ResponseChannel channel(1000);
  for (int i = 0; i < 1000; ++i) {
    channel.push(TextDelta{0, std::string(100, 'x'), {logprob_of("x")}});
    channel.push(TextDelta{1, std::string(10, 'y'), {}});
    ASSERT_EQ(std::get<TextDelta>(*channel.next(milliseconds(0))).choice, 0);
    ASSERT_EQ(std::get<TextDelta>(*channel.next(milliseconds(0))).choice, 1);
  }
  EXPECT_FALSE(channel.cancelled());
}

TEST(ResponseChannel, TheReadersDeathCancels) {
  auto channel = std::make_shared<ResponseChannel>(kPlenty);
  { ChannelStream stream(channel, {}); }
  EXPECT_TRUE(channel->cancelled());
}

}  // namespace
}  // namespace spyhop
