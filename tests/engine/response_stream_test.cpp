#include "engine/response_stream.h"

#include <gtest/gtest.h>

#include <thread>

namespace spyhop {
namespace {

using std::chrono::milliseconds;

TEST(ResponseChannel, GivesNothingWhenNoEventComesInTime) {
  ResponseChannel channel;
  EXPECT_FALSE(channel.next(milliseconds(1)).has_value());
}

TEST(ResponseChannel, WakesAWaitingReader) {
  ResponseChannel channel;
  std::thread writer([&] { channel.push(TextDelta{0, "a", {}}); });
  const auto event = channel.next(milliseconds(5000));
  writer.join();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(std::get<TextDelta>(*event).text, "a");
}

TEST(ResponseChannel, JoinsTextThatPilesUpAndKeepsTheOrderOfChoices) {
  ResponseChannel channel;
  channel.push(TextDelta{0, "a", {{"a", -1, {}}}});
  channel.push(TextDelta{0, "b", {{"b", -2, {}}}});
  channel.push(TextDelta{1, "c", {}});
  channel.push(TextDelta{0, "d", {}});
  channel.push(ChoiceFinish{0, FinishReason::kStop});
  const auto first = std::get<TextDelta>(*channel.next(milliseconds(0)));
  EXPECT_EQ(first.text, "ab");
  ASSERT_EQ(first.logprobs.size(), 2U);
  EXPECT_EQ(first.logprobs[1].token, "b");
  EXPECT_EQ(std::get<TextDelta>(*channel.next(milliseconds(0))).choice, 1);
  EXPECT_EQ(std::get<TextDelta>(*channel.next(milliseconds(0))).text, "d");
  EXPECT_TRUE(std::holds_alternative<ChoiceFinish>(*channel.next(milliseconds(0))));
}

TEST(ResponseChannel, TheReadersDeathCancels) {
  auto channel = std::make_shared<ResponseChannel>();
  { ChannelStream stream(channel); }
  EXPECT_TRUE(channel->cancelled());
}

}  // namespace
}  // namespace spyhop
