#include "api/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "api/chat_request_json.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Error error_of(const std::string& text) {
  try {
    parse_chat_request(text);
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no error for " << text.substr(0, 200);
  return Error(ErrorCode::kInternal, "no error");
}

class json_text_bad : public ::testing::TestWithParam<std::string> {};

TEST_P(json_text_bad, TextIsRefused) {
  const Error error = error_of(GetParam());
  EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error.param(), "");
  EXPECT_LT(std::string(error.what()).size(), 300U);
}

INSTANTIATE_TEST_SUITE_P(
    texts, json_text_bad,
    ::testing::Values("", " ", "{", "}", "[", "{\"messages\": [}", "{} {}", "{}x", "[]", "5", "\"text\"", "null",
                      "{\"temperature\": NaN}", "{\"temperature\": Infinity}", "{\"temperature\": -Infinity}",
                      "{\"temperature\": 1e999}", "{\"n\": 01}", "{\"n\": +1}", "{\"n\": 0x10}", "{'messages': []}",
                      "{\"messages\": [],}", "{\"a\": \"\xff\xfe\"}", "{\"a\": \"\xc3\"}", "{\"a\": \"\xed\xa0\x80\"}",
                      "{\"a\": \"\xc0\xaf\"}", "{\"a\": \"\\ud800\"}", "{\"a\": \"\\x41\"}", "{\"a\": \"line\nbreak\"}",
                      "{\"a\": \"unterminated", "{\"a\": \"\\", std::string("{\"a\": \0}", 9), "// comment\n{}", "\xef\xbb",
                      std::string(100'000, '['), "{\"a\": " + std::string(65, '[') + std::string(65, ']') + "}"));

TEST(json_text, SyntaxErrorsNameLineAndColumnButNotTheText) {
  const Error error = error_of("{\n  \"secret\": secret-value}");
  EXPECT_THAT(error.what(), HasSubstr("line 2, column"));
  EXPECT_THAT(error.what(), Not(HasSubstr("secret-value")));
}

TEST(json_text, NestingMayReachTheLimit) {
  parse_request_json(std::string(64, '[') + std::string(64, ']'));
}

TEST(json_text, BracketsAndCommasInStringsDoNotCount) {
  const std::string text = R"(["[[[,,,\"[[[", "\\"])";
  RequestJsonLimits limits;
  limits.max_depth = 1;
  limits.max_values = 3;
  EXPECT_EQ(parse_request_json(text, limits).size(), 2U);
}

TEST(json_text, ManyValuesAreRefusedBeforeTheyTakeMemory) {
  std::string text = "[0";
  for (int i = 0; i < 200'000; ++i) text += ",0";
  EXPECT_EQ(error_of(text + "]").code(), ErrorCode::kTooLarge);
}

TEST(json_text, TheLastOfDuplicateKeysCounts) {
  const auto call = parse_chat_request(R"({"n": 1, "messages": [{"role": "user", "content": "hi"}], "n": 2})");
  EXPECT_EQ(call.request.n, 2);
}

TEST(json_text, WhatIsWrittenIsUtf8OnOneLine) {
  EXPECT_EQ(to_text({{"a", "\xff\nä"}}), "{\"a\":\"\xef\xbf\xbd\\nä\"}");
}

TEST(json_text, RejectionsNamePathValueAndWhatIsAllowed) {
  try {
    reject("messages[0].role", "robot", "\"user\"");
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "messages[0].role is \"robot\"; allowed: \"user\"");
    EXPECT_EQ(e.param(), "messages[0].role");
  }
}

}  // namespace
}  // namespace spyhop
