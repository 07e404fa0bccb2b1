#include "api/task_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/chat_request_json.h"

namespace spyhop {
namespace {

using Json = nlohmann::json;

constexpr const char* kImage = R"({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}})";

/// A request with one user message of an image and a text, and further fields.
ChatCompletionCall call_of(const std::string& text, const Json& fields, bool has_image = true) {
  Json content = Json::array();
  content.push_back({{"type", "text"}, {"text", text}});
  if (has_image) content.push_back(Json::parse(kImage));
  Json body{{"messages", {{{"role", "user"}, {"content", content}}}}};
  body.update(fields);
  return parse_chat_request(body.dump());
}

/// Texts of a message, "<image>" for images.
std::string layout_of(const ChatRequest& request) {
  std::string layout;
  for (const ContentPart& part : request.messages.back().content) {
    const auto* text = std::get_if<TextPart>(&part);
    layout += text == nullptr ? "<image>" : text->text;
  }
  return layout;
}

std::string refusal_of(const std::string& text, const Json& fields, bool has_image = true) {
  try {
    call_of(text, fields, has_image);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidRequest);
    return e.param() + ": " + e.what();
  }
  return "";
}

TEST(Task, ChatLeavesTheMessageAsItIs) {
  for (const Json& fields : {Json::object(), Json{{"task", "chat"}}, Json{{"task", nullptr}}}) {
    const ChatCompletionCall call = call_of("Where is the cat?", fields);
    EXPECT_EQ(layout_of(call.request), "Where is the cat?<image>");
    EXPECT_FALSE(call.wants_boxes);
    EXPECT_FALSE(call.request.boxes);
    EXPECT_FALSE(call.request.loop_guard);
  }
}

TEST(Task, LocateAsksForAPhraseAndHoldsItsBoxes) {
  const ChatCompletionCall call = call_of("  the cat ", {{"task", "locate"}});
  EXPECT_EQ(layout_of(call.request), "<image>\n<|ref|>the cat<|/ref|>.");
  EXPECT_TRUE(call.wants_boxes);
  EXPECT_TRUE(call.request.boxes);
  EXPECT_TRUE(call.request.loop_guard);
  EXPECT_EQ(call_of("cat", {{"task", "locate"}, {"max_boxes", 3}}).request.boxes->max_boxes, 3);
  EXPECT_FALSE(call_of("cat", {{"task", "locate"}, {"constrain_boxes", false}}).request.boxes);
  EXPECT_FALSE(call_of("cat", {{"task", "locate"}, {"loop_guard", false}}).request.loop_guard);
}

TEST(Task, GroundedCaptionAndOcrHaveTextsOfTheirOwn) {
  const ChatCompletionCall caption = call_of("", {{"task", "grounded_caption"}});
  EXPECT_EQ(layout_of(caption.request), "<image>\n<|grounding|>Describe the image.");
  EXPECT_TRUE(caption.wants_boxes);
  EXPECT_EQ(layout_of(call_of("What is on the table?", {{"task", "grounded_caption"}}).request),
            "<image>\n<|grounding|>What is on the table?");
  const ChatCompletionCall ocr = call_of("", {{"task", "ocr"}});
  EXPECT_EQ(layout_of(ocr.request), "<image>\nRead the text.");
  EXPECT_FALSE(ocr.wants_boxes);
  EXPECT_TRUE(ocr.request.loop_guard);
}

TEST(Task, WhatATaskCannotDoIsRefusedByName) {
  EXPECT_EQ(refusal_of("x", {{"task", "detect"}}),
            R"(task: task is "detect"; allowed: "chat", "locate", "grounded_caption" or "ocr")");
  EXPECT_NE(refusal_of("cat", {{"task", "locate"}}, false).find("the messages hold none"), std::string::npos);
  EXPECT_NE(refusal_of(" ", {{"task", "locate"}}).find("what is to be found"), std::string::npos);
  EXPECT_NE(refusal_of("<|ref|>cat<|/ref|>", {{"task", "locate"}}).find("<|ref|>"), std::string::npos);
  EXPECT_NE(refusal_of("cat", {{"task", "locate"}, {"skip_special_tokens", true}}).find("skip_special_tokens"),
            std::string::npos);
  Json body{{"task", "ocr"}, {"messages", {{{"role", "assistant"}, {"content", "It says"}}}}};
  EXPECT_THROW(parse_chat_request(body.dump()), Error);
}

TEST(Task, TheLoopGuardIsASwitchOrLimits) {
  EXPECT_TRUE(call_of("x", {{"loop_guard", true}}).request.loop_guard);
  const auto guard = call_of("x", {{"loop_guard", {{"max_period", 8}, {"min_repeats", 3}}}}).request.loop_guard;
  ASSERT_TRUE(guard);
  EXPECT_EQ(guard->max_period, 8);
  EXPECT_EQ(guard->min_repeats, 3);
  EXPECT_EQ(guard->min_tokens, LoopGuard{}.min_tokens);
  EXPECT_NE(refusal_of("x", {{"loop_guard", {{"max_period", 513}}}}).find("loop_guard.max_period"), std::string::npos);
  EXPECT_NE(refusal_of("x", {{"loop_guard", 3}}).find("loop_guard"), std::string::npos);
}

TEST(Task, AutoDetailIsASwitch) {
  EXPECT_FALSE(call_of("x", Json::object()).request.auto_detail);
  EXPECT_TRUE(call_of("x", {{"auto_detail", true}}).request.auto_detail);
}

}  // namespace
}  // namespace spyhop
