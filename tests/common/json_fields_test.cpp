#include "common/json_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string parse_complaint(const std::string& text, const JsonDocumentLimits& limits = {}) {
  try {
    parse_json(text, "a.json", ErrorCode::kInvalidRequest, limits);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidRequest);
    return e.what();
  }
  return "no error";
}

TEST(ParseJson, keeps_the_document) {
  EXPECT_EQ(parse_json(R"({"a": [1, {"b": null}]})", "x")["a"][0], 1);
}

TEST(ParseJson, a_key_twice_in_one_object_is_refused) {
  EXPECT_EQ(parse_complaint(R"({"a": {"b": 1, "c": {"b": 2}, "b": 3}})"), "a.json: key \"b\" appears twice in one object");
  EXPECT_EQ(parse_complaint(R"([{"b": 1}, {"b": 2}, {"c": {"b": 1}}])"), "no error");
}

TEST(ParseJson, depth_is_limited) {
  EXPECT_EQ(parse_complaint(std::string(1'000'000, '[')), "a.json: nested deeper than 64 levels");
  EXPECT_EQ(parse_complaint(std::string(64, '[') + std::string(64, ']')), "no error");
}

TEST(ParseJson, the_number_of_values_is_limited) {
  JsonDocumentLimits limits;
  limits.max_values = 4;  // the array is one
  EXPECT_EQ(parse_complaint("[1, 2, 3]", limits), "no error");
  EXPECT_EQ(parse_complaint("[1, 2, 3, 4]", limits), "a.json: more than 4 values");
  EXPECT_EQ(parse_complaint("[[], [], [], []]", limits), "a.json: more than 4 values");
}

TEST(ParseJson, errors_stay_short_whatever_the_file_says) {
  EXPECT_LT(parse_complaint("[\"" + std::string(1'000'000, 'x')).size(), 400U);
  EXPECT_LT(parse_complaint("[tru\x01\x1b[31m").size(), 400U);
}

class JsonFieldsTest : public ::testing::Test {
 protected:
  JsonFields fields(const std::string& text) {
    document_ = json::parse(text);
    return {document_, "f.json", "", problems_};
  }

  json document_;
  ProblemList problems_;
};

TEST_F(JsonFieldsTest, values_in_range_are_returned) {
  JsonFields object = fields(R"({"i": 3, "n": 0.5, "b": true, "t": "x", "list": ["p", "q"], "null": null})");
  EXPECT_EQ(object.integer("i", {1, 3}), 3);
  EXPECT_EQ(object.number("n", {0, 1}), 0.5);
  EXPECT_TRUE(object.boolean("b"));
  EXPECT_EQ(object.text("t"), "x");
  EXPECT_EQ(object.one_of("t", {"y", "x"}), "x");
  EXPECT_THAT(object.texts("list"), ElementsAre("p", "q"));
  EXPECT_EQ(object.integer_or_null("null", {1, 2}, 2), std::nullopt);
  EXPECT_EQ(object.integer_or_null("absent", {1, 2}, 2), 2);
  EXPECT_TRUE(problems_.empty());
}

TEST_F(JsonFieldsTest, every_problem_is_kept_and_reading_goes_on) {
  JsonFields object = fields(R"({"i": 4, "n": "1", "b": 0, "inner": {"t": 5}, "list": []})");
  EXPECT_EQ(object.integer("i", {1, 3}), 1);
  EXPECT_EQ(object.number("n", {0, 1}, 0.25), 0.25);
  object.boolean("b");
  object.object("inner", true).text("t");
  object.texts("list");
  object.integer("absent", {1, 3});
  EXPECT_THAT(
      problems_.texts(),
      ElementsAre("f.json: i = 4; allowed: a whole number from 1 to 3", "f.json: n = \"1\"; allowed: a number from 0 to 1",
                  "f.json: b = 0; allowed: true or false", "f.json: inner.t = 5; allowed: a string of 1 to 4096 bytes",
                  "f.json: list = an array of 0; allowed: an array of strings, not empty",
                  "f.json: absent is missing; allowed: a whole number from 1 to 3"));
  EXPECT_FALSE(object.is_valid("i"));
  EXPECT_TRUE(object.is_valid("inner"));
}

TEST_F(JsonFieldsTest, numbers_that_overflow_are_out_of_range) {
  JsonFields object = fields(R"({"a": 4294967297, "b": -9223372036854775808, "c": 18446744073709551615, "d": 1e300})");
  for (const char* key : {"a", "b", "c", "d"}) object.integer(key, {INT32_MIN, INT32_MAX});
  EXPECT_EQ(problems_.size(), 4U);
}

TEST_F(JsonFieldsTest, keys_never_asked_for_are_unknown) {
  JsonFields object = fields(R"({"known": 1, "knwon": 2})");
  object.integer("known", {0, 9});
  object.boolean("other", false);
  object.report_unknown_keys();
  EXPECT_THAT(problems_.texts(), ElementsAre("f.json: knwon is unknown; allowed: \"known\", \"other\""));
}

TEST_F(JsonFieldsTest, entries_of_an_array_carry_their_place) {
  std::vector<JsonFields> entries = fields(R"({"list": [{"a": 1}, 7]})").objects("list");
  ASSERT_EQ(entries.size(), 2U);
  entries[0].integer("b", {0, 1});
  EXPECT_THAT(problems_.texts(), ElementsAre("f.json: list[1]: 7; allowed: an object",
                                             "f.json: list[0].b is missing; allowed: a whole number from 0 to 1"));
}

TEST(ProblemList, one_problem_is_one_line) {
  ProblemList problems;
  problems.add("a is bad");
  try {
    problems.throw_if_any(ErrorCode::kModelLoad, "head");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "head: a is bad");
  }
}

TEST(ProblemList, thousands_are_counted_but_not_kept) {
  ProblemList problems;
  for (int i = 0; i < 5000; ++i) problems.add("p");
  EXPECT_EQ(problems.size(), 5000U);
  try {
    problems.throw_if_any(ErrorCode::kModelLoad, "head");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("head: 5000 problems\n  p\n"));
    EXPECT_THAT(e.what(), HasSubstr("... and 4900 more"));
  }
}

TEST(InQuotes, escapes_and_cuts) {
  EXPECT_EQ(in_quotes("a\n\x1b"), "\"a\\n\\u001b\"");
  EXPECT_EQ(in_quotes("aé", 2), "\"a\"... (3 bytes)");
  EXPECT_EQ(in_quotes("\xFF"), "\"\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace spyhop
