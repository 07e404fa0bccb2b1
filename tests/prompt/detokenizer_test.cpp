#include "prompt/detokenizer.h"

#include <gtest/gtest.h>

#include "conformance_cases.h"

namespace spyhop {
namespace {

void expect_recorded_steps(const std::string& name) {
  const auto tokenizer = load_tokenizer(tokenizer_path(name));
  for (const nlohmann::json& item : conformance_cases(name + "/stream")) {
    Detokenizer detokenizer(*tokenizer, item.at("skip_special").get<bool>());
    std::vector<std::string> steps;
    for (const auto& id : item.at("ids")) steps.push_back(detokenizer.push(id.get<int32_t>()));
    EXPECT_EQ(steps, item.at("steps").get<std::vector<std::string>>()) << item.at("id");
    EXPECT_EQ(detokenizer.finish(), item.at("final").get<std::string>()) << item.at("id");
  }
}

TEST(detokenizer, GivesTheRecordedTextAfterEachTokenOfV2) {
  expect_recorded_steps("tiny_v2");
}

TEST(detokenizer, GivesTheRecordedTextAfterEachTokenOfV3) {
  expect_recorded_steps("tiny_v3");
}

TEST(detokenizer, HoldsAnUnfinishedCharacterBack) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xE4"), "a");
  EXPECT_EQ(stream.push("\xBD"), "");
  EXPECT_EQ(stream.push("\xA0z"), "\u4f60z");
  EXPECT_EQ(stream.finish(), "");
}

TEST(detokenizer, ReplacesEachMaximalInvalidPartOnce) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("\xC0\xAF"), "\ufffd\ufffd");
  EXPECT_EQ(stream.push("\xED\xA0\x80"), "\ufffd\ufffd\ufffd");
  EXPECT_EQ(stream.push("\xE4\xBD"), "");
  EXPECT_EQ(stream.push("x"), "\ufffdx");
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.finish(), "\ufffd");
  EXPECT_EQ(stream.finish(), "");
}

TEST(detokenizer, IgnoresIdsWithoutAToken) {
  const auto tokenizer = load_tokenizer(tokenizer_path("tiny_v3"));
  Detokenizer detokenizer(*tokenizer, /*skip_special=*/false);
  EXPECT_EQ(detokenizer.push(tokenizer->size()), "");
  EXPECT_EQ(detokenizer.push(-1), "");
  EXPECT_EQ(detokenizer.push(1 << 30), "");
}

}  // namespace
}  // namespace spyhop
