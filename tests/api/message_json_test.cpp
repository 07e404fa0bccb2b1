#include "api/message_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <variant>

namespace spyhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<ChatMessage> parse(const std::string& text) {
  nlohmann::json json = nlohmann::json::parse(text);
  return parse_messages(json, 100);
}

TEST(message_json, RolesAreRead) {
  const auto messages = parse(R"([{"role": "system", "content": "s"}, {"role": "developer", "content": "d"},
                                  {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}])");
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].role, Role::kSystem);
  EXPECT_EQ(messages[1].role, Role::kSystem);
  EXPECT_EQ(messages[2].role, Role::kUser);
  EXPECT_EQ(messages[3].role, Role::kAssistant);
  EXPECT_EQ(std::get<TextPart>(messages[3].content.at(0)).text, "a");
}

TEST(message_json, PartsKeepTheirOrder) {
  const auto messages = parse(R"([{"role": "user", "content": [
      {"type": "text", "text": "before"},
      {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
      {"type": "text", "text": ""},
      {"type": "image_url", "image_url": "https://example.com/x.png"},
      {"type": "image_url", "image_url": {"url": "u", "detail": "high"}},
      {"type": "image_url", "image_url": {"url": "u", "detail": "auto"}},
      {"type": "image_url", "image_url": {"url": "u", "detail": null}}]}])");
  const auto& content = messages.at(0).content;
  ASSERT_EQ(content.size(), 7U);
  EXPECT_EQ(std::get<TextPart>(content[0]).text, "before");
  EXPECT_EQ(std::get<ImagePart>(content[1]).url, "data:image/png;base64,AA==");
  EXPECT_EQ(std::get<ImagePart>(content[1]).detail, ImageDetail::kLow);
  EXPECT_EQ(std::get<TextPart>(content[2]).text, "");
  EXPECT_EQ(std::get<ImagePart>(content[3]).url, "https://example.com/x.png");
  EXPECT_EQ(std::get<ImagePart>(content[3]).detail, ImageDetail::kAuto);
  EXPECT_EQ(std::get<ImagePart>(content[4]).detail, ImageDetail::kHigh);
  EXPECT_EQ(std::get<ImagePart>(content[5]).detail, ImageDetail::kAuto);
  EXPECT_EQ(std::get<ImagePart>(content[6]).detail, ImageDetail::kAuto);
}

TEST(message_json, AnAssistantMayHaveSaidNothing) {
  EXPECT_TRUE(parse(R"([{"role": "assistant", "content": null}])").at(0).content.empty());
  EXPECT_TRUE(parse(R"([{"role": "assistant", "tool_calls": [], "function_call": null}])").at(0).content.empty());
}

struct BadMessages {
  const char* json;
  ErrorCode code;
  const char* param;
  const char* part_of_message;
};

class message_json_bad : public ::testing::TestWithParam<BadMessages> {};

TEST_P(message_json_bad, ThePathToBlameIsNamed) {
  try {
    parse(GetParam().json);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), GetParam().code);
    EXPECT_EQ(e.param(), GetParam().param);
    EXPECT_THAT(e.what(), AllOf(HasSubstr(GetParam().part_of_message), HasSubstr("allowed: ")));
  }
}

constexpr ErrorCode kInvalid = ErrorCode::kInvalidRequest;
constexpr ErrorCode kNoSupport = ErrorCode::kUnsupported;

INSTANTIATE_TEST_SUITE_P(
    messages, message_json_bad,
    ::testing::Values(
        BadMessages{R"("hi")", kInvalid, "messages", "1 to 100"}, BadMessages{R"([])", kInvalid, "messages", "1 to 100"},
        BadMessages{R"({})", kInvalid, "messages", "1 to 100"}, BadMessages{R"(["hi"])", kInvalid, "messages[0]", "\"hi\""},
        BadMessages{R"([{"content": "x"}])", kInvalid, "messages[0].role", "missing"},
        BadMessages{R"([{"role": 1, "content": "x"}])", kInvalid, "messages[0].role", "is 1"},
        BadMessages{R"([{"role": "user", "content": "x"}, {"role": "robot", "content": "x"}])", kInvalid, "messages[1].role",
                    "\"robot\""},
        BadMessages{R"([{"role": "tool", "content": "x"}])", kNoSupport, "messages[0].role", "\"tool\""},
        BadMessages{R"([{"role": "assistant", "tool_calls": [{}]}])", kNoSupport, "messages[0].tool_calls", "tool"},
        BadMessages{R"([{"role": "user"}])", kInvalid, "messages[0].content", "missing"},
        BadMessages{R"([{"role": "user", "content": null}])", kInvalid, "messages[0].content", "missing"},
        BadMessages{R"([{"role": "user", "content": 5}])", kInvalid, "messages[0].content", "is 5"},
        BadMessages{R"([{"role": "user", "content": []}])", kInvalid, "messages[0].content", "an array of 0"},
        BadMessages{R"([{"role": "user", "content": ["x"]}])", kInvalid, "messages[0].content[0]", "\"x\""},
        BadMessages{R"([{"role": "user", "content": [{}]}])", kInvalid, "messages[0].content[0].type", "missing"},
        BadMessages{R"([{"role": "user", "content": [{"type": "text"}]}])", kInvalid, "messages[0].content[0].text", "missing"},
        BadMessages{R"([{"role": "user", "content": [{"type": "text", "text": 1}]}])", kInvalid, "messages[0].content[0].text",
                    "is 1"},
        BadMessages{R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_audio"}]}])", kNoSupport,
                    "messages[0].content[1].type", "\"input_audio\""},
        BadMessages{R"([{"role": "user", "content": [{"type": "video_url"}]}])", kNoSupport, "messages[0].content[0].type",
                    "\"video_url\""},
        BadMessages{R"([{"role": "user", "content": [{"type": "image_url"}]}])", kInvalid, "messages[0].content[0].image_url",
                    "missing"},
        BadMessages{R"([{"role": "user", "content": [{"type": "image_url", "image_url": 1}]}])", kInvalid,
                    "messages[0].content[0].image_url", "is 1"},
        BadMessages{R"([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}])", kInvalid,
                    "messages[0].content[0].image_url", "url"},
        BadMessages{R"([{"role": "user", "content": [{"type": "image_url", "image_url": ""}]}])", kInvalid,
                    "messages[0].content[0].image_url", "url"},
        BadMessages{R"([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": 1}}]}])", kInvalid,
                    "messages[0].content[0].image_url.url", "is 1"},
        BadMessages{R"([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "max"}}]}])",
                    kInvalid, "messages[0].content[0].image_url.detail", "\"max\""}));

}  // namespace
}  // namespace spyhop
