#include "api/chat_response_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

const CompletionHead kHead{"chatcmpl-1", 1734000000, "vl2", "fp_1"};

Usage usage() {
  Usage usage;
  usage.prompt_tokens = 430;
  usage.completion_tokens = 3;
  usage.image_tokens = 421;
  usage.cached_tokens = 16;
  return usage;
}

AnswerShape shape(int num_choices, bool logprobs = false) {
  AnswerShape shape;
  shape.num_choices = num_choices;
  shape.logprobs = logprobs;
  return shape;
}

std::string json_of(CompletionBuilder& builder) {
  builder.add(StreamEnd{usage()});
  return builder.json();
}

constexpr const char* kUsage =
    R"({"prompt_tokens":430,"completion_tokens":3,"total_tokens":433,)"
    R"("prompt_tokens_details":{"cached_tokens":16,"text_tokens":9,"image_tokens":421,"audio_tokens":0},)"
    R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,)"
    R"("rejected_prediction_tokens":0}})";

TEST(chat_response_json, ACompletionHasEveryField) {
  CompletionBuilder builder(kHead, shape(1));
  builder.add(TextDelta{0, "Hel", {}});
  builder.add(TextDelta{0, "lo", {}});
  builder.add(ChoiceFinish{0, FinishReason::kStop});
  EXPECT_EQ(json_of(builder),
            std::string(R"({"id":"chatcmpl-1","object":"chat.completion","created":1734000000,"model":"vl2",)"
                        R"("system_fingerprint":"fp_1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello",)"
                        R"("refusal":null},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":)") +
                kUsage + "}");
}

TEST(chat_response_json, ChoicesAreKeptApart) {
  CompletionBuilder builder(kHead, shape(2));
  builder.add(TextDelta{1, "b", {}});
  builder.add(TextDelta{0, "a", {}});
  builder.add(ChoiceFinish{1, FinishReason::kLength});
  builder.add(ChoiceFinish{0, FinishReason::kStop});
  const auto json = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(json["choices"][0]["message"]["content"], "a");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["choices"][1]["index"], 1);
  EXPECT_EQ(json["choices"][1]["message"]["content"], "b");
  EXPECT_EQ(json["choices"][1]["finish_reason"], "length");
}

TEST(chat_response_json, AnEventOfAnUnknownChoiceIsADefect) {
  CompletionBuilder builder(kHead, shape(1));
  EXPECT_THROW(builder.add(TextDelta{1, "x", {}}), Error);
  EXPECT_THROW(builder.add(ChoiceFinish{-1, FinishReason::kStop}), Error);
}

TEST(chat_response_json, LogprobsKeepTheExactBytesOfTokens) {
  CompletionBuilder builder(kHead, shape(1, true));
  const TokenLogprob token{"\xe4\xbd", -0.5, {{"\xe4\xbd", -0.5}, {"a", -2.0}}};
  builder.add(TextDelta{0, "", {token}});
  builder.add(TextDelta{0, "x", {{"x", 0.0, {}}}});
  const auto json = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(json["choices"][0]["logprobs"], nlohmann::json::parse(R"({"content": [
      {"token": "\ufffd", "logprob": -0.5, "bytes": [228, 189], "top_logprobs": [
        {"token": "\ufffd", "logprob": -0.5, "bytes": [228, 189]}, {"token": "a", "logprob": -2.0, "bytes": [97]}]},
      {"token": "x", "logprob": 0.0, "bytes": [120], "top_logprobs": []}], "refusal": null})"));
}

TEST(chat_response_json, LogprobsAskedForButMissingAreAnEmptyList) {
  CompletionBuilder builder(kHead, shape(1, true));
  const auto json = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(json["choices"][0]["logprobs"], nlohmann::json::parse(R"({"content": [], "refusal": null})"));
}

TEST(chat_response_json, LogprobsThatJsonCannotHoldAreTheLowest) {
  CompletionBuilder builder(kHead, shape(1, true));
  builder.add(TextDelta{0, "", {{"a", -std::numeric_limits<double>::infinity(), {}}, {"b", std::nan(""), {}}}});
  const auto json = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(json["choices"][0]["logprobs"]["content"][0]["logprob"], -9999.0);
  EXPECT_EQ(json["choices"][0]["logprobs"]["content"][1]["logprob"], -9999.0);
}

TEST(chat_response_json, TextThatIsNotUtf8DoesNotThrow) {
  CompletionBuilder builder({"id", 1, "\xff", ""}, shape(1));
  builder.add(TextDelta{0, "a\xff\xfe", {}});
  const auto json = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(json["choices"][0]["message"]["content"], "a\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_TRUE(json["system_fingerprint"].is_null());
}

TEST(chat_response_json, AStopIsNamedByItsTextOrItsToken) {
  AnswerShape with_stops = shape(3);
  with_stops.stops = {"a", "b"};
  CompletionBuilder builder(kHead, with_stops);
  builder.add(ChoiceFinish{0, FinishReason::kStop, 2, 1});
  builder.add(ChoiceFinish{1, FinishReason::kStop, 2, -1, 77});
  const auto json = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(json["choices"][0]["stop_reason"], "b");
  EXPECT_EQ(json["choices"][1]["stop_reason"], 77);
  EXPECT_TRUE(json["choices"][2]["stop_reason"].is_null());
}

TEST(chat_response_json, ChunksFollowTheFormat) {
  ChunkFormat format(kHead, shape(2), {});
  const std::string head =
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1734000000,"model":"vl2","system_fingerprint":"fp_1",)";
  EXPECT_EQ(format.begin().at(0).json, head +
                                           R"("choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},)"
                                           R"("logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(format.begin().size(), 2U);
  EXPECT_EQ(format.add(TextDelta{0, "Hi", {}}).at(0).json,
            head + R"("choices":[{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(format.add(ChoiceFinish{1, FinishReason::kLength}).at(0).json,
            head + R"("choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"length","stop_reason":null}]})");
  EXPECT_TRUE(format.add(TextDelta{}).empty());
  EXPECT_TRUE(format.add(StreamEnd{}).empty());
}

TEST(chat_response_json, ChunksCarryLogprobs) {
  ChunkFormat format(kHead, shape(1, true), {});
  const auto json = nlohmann::json::parse(format.add(TextDelta{0, "", {{"a", -1.0, {}}}}).at(0).json);
  EXPECT_EQ(json["choices"][0]["delta"]["content"], "");
  EXPECT_EQ(json["choices"][0]["logprobs"]["content"][0]["token"], "a");
  EXPECT_TRUE(json["choices"][0]["logprobs"]["refusal"].is_null());
}

TEST(chat_response_json, TimesOfASingleTokenHaveNoGap) {
  StreamEnd end;
  end.timings.first_token_ms = 50;
  end.usage.completion_tokens = 1;
  AnswerShape with_metrics = shape(1);
  with_metrics.include_metrics = true;
  const auto json = nlohmann::json::parse(ChunkFormat(kHead, with_metrics, {}).add(end).at(0).json);
  EXPECT_FALSE(json.contains("usage"));
  EXPECT_EQ(json["metrics"], nlohmann::json::parse(R"({"time_to_first_token_ms": 50.0, "generation_time_ms": 0.0,
      "queue_time_ms": 0.0, "mean_itl_ms": null, "tokens_per_second": 20.0})"));
}

TEST(chat_response_json, UsageIsNullInEveryChunkButTheLast) {
  AnswerShape with_usage = shape(1);
  with_usage.include_usage = true;
  ChunkFormat format(kHead, with_usage, usage());
  for (const SseEvent& chunk : {format.begin().at(0), format.add(TextDelta{0, "x", {}}).at(0),
                                format.add(ChoiceFinish{0, FinishReason::kStop}).at(0)}) {
    const auto json = nlohmann::json::parse(chunk.json);
    ASSERT_TRUE(json.contains("usage"));
    EXPECT_TRUE(json["usage"].is_null());
  }
  EXPECT_EQ(format.add(StreamEnd{usage()}).at(0).json,
            std::string(R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1734000000,"model":"vl2",)"
                        R"("system_fingerprint":"fp_1","choices":[],"usage":)") +
                kUsage + "}");
}

TEST(chat_response_json, ContinuousUsageCountsTheTokensSoFar) {
  AnswerShape with_usage = shape(2);
  with_usage.include_usage = with_usage.continuous_usage = true;
  Usage prompt;
  prompt.prompt_tokens = 10;
  ChunkFormat format(kHead, with_usage, prompt);
  const auto usage_after = [&](const ChatEvent& event) { return nlohmann::json::parse(format.add(event).at(0).json)["usage"]; };
  EXPECT_EQ(usage_after(TextDelta{0, "x", {}, 2})["completion_tokens"], 2);
  EXPECT_EQ(usage_after(TextDelta{1, "x", {}, 1})["completion_tokens"], 3);
  EXPECT_EQ(usage_after(ChoiceFinish{0, FinishReason::kStop, 5})["total_tokens"], 16);
}

TEST(chat_response_json, BoxesOfAnAnswerAreParsedAtItsEnd) {
  CompletionHead head = kHead;
  head.images = {{999, 1998, 1, 1, 21, false}};
  const std::string text = "<|ref|>cat<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>";
  const auto boxes = nlohmann::json::parse(
      R"([{"label": "cat", "image_index": 0, "box_norm": [1, 2, 3, 4], "box_px": [1, 4, 3, 8], "valid": true}])");

  CompletionBuilder builder(head, shape(1));
  builder.add(TextDelta{0, text, {}});
  builder.add(ChoiceFinish{0, FinishReason::kStop});
  const auto whole = nlohmann::json::parse(json_of(builder));
  EXPECT_EQ(whole["choices"][0]["message"]["grounding"], boxes);
  EXPECT_EQ(whole["usage"]["prompt_tokens_details"]["images"][0]["tokens"], 21);

  ChunkFormat format(head, shape(1), {});
  format.add(TextDelta{0, text.substr(0, 20), {}});
  format.add(TextDelta{0, text.substr(20), {}});
  const auto last = nlohmann::json::parse(format.add(ChoiceFinish{0, FinishReason::kStop}).at(0).json);
  EXPECT_EQ(last["choices"][0]["delta"]["grounding"], boxes);
}

TEST(chat_response_json, WithoutBoxesGroundingIsThereOnlyWhereItWasAskedFor) {
  CompletionHead head = kHead;
  head.images.resize(1);
  for (const bool wants_boxes : {false, true}) {
    AnswerShape asked = shape(1);
    asked.wants_boxes = wants_boxes;
    CompletionBuilder builder(head, asked);
    const auto json = nlohmann::json::parse(json_of(builder));
    EXPECT_EQ(json["choices"][0]["message"].contains("grounding"), wants_boxes);
  }
}

TEST(chat_response_json, ALoopIsMarked) {
  ChoiceFinish finish{0, FinishReason::kLength};
  finish.is_loop = true;
  const auto chunk = nlohmann::json::parse(ChunkFormat(kHead, shape(1), {}).add(finish).at(0).json);
  EXPECT_EQ(chunk["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(chunk["choices"][0]["stop_reason"], "repetition");
}

TEST(chat_response_json, AThirdImageIsWarnedOfOnce) {
  CompletionHead head = kHead;
  head.images.resize(3);
  const std::vector<SseEvent> roles = ChunkFormat(head, shape(2), {}).begin();
  EXPECT_EQ(nlohmann::json::parse(roles.at(0).json)["warnings"].size(), 1U);
  EXPECT_FALSE(nlohmann::json::parse(roles.at(1).json).contains("warnings"));
  CompletionBuilder builder(head, shape(1));
  EXPECT_EQ(nlohmann::json::parse(json_of(builder))["warnings"].size(), 1U);
}

}  // namespace
}  // namespace spyhop
