#include "api/constraint_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {
namespace {

ConstraintFields parse(const std::string& text) {
  nlohmann::json body = parse_request_json(text);
  return parse_constraint(ObjectReader(body, ""), text);
}

Error error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "no error");
}

std::string schema_of(const std::string& text) {
  return std::get<JsonSchemaConstraint>(*parse(text).constraint).schema;
}

TEST(constraint_json, SchemasKeepTheOrderOfTheirKeys) {
  const std::string schema = R"({"type":"object","properties":{"z":{"type":"null"},"a":{"enum":[{"y":1,"b":2}]}}})";
  EXPECT_EQ(schema_of(R"({"messages":[{"z":1}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":)" +
                      schema + "}}}"),
            schema);
  EXPECT_EQ(schema_of(R"({"guided_json":)" + schema + "}"), schema);
  EXPECT_EQ(schema_of(R"({"json_schema":)" + schema + "}"), schema);
  EXPECT_EQ(schema_of(R"({"structured_outputs":{"json":)" + schema + "}}"), schema);
  EXPECT_EQ(schema_of(R"({"guided_json":"{\"type\": \"null\"}"})"), R"({"type": "null"})");
}

TEST(constraint_json, EveryFieldIsAConstraint) {
  EXPECT_FALSE(parse(R"({"response_format":{"type":"text"},"guided_json":null,"structured_outputs":{}})").constraint);
  const ConstraintFields object = parse(R"({"response_format":{"type":"json_object"}})");
  EXPECT_TRUE(std::holds_alternative<JsonObjectConstraint>(*object.constraint));
  EXPECT_EQ(object.field, "response_format");
  EXPECT_EQ(std::get<RegexConstraint>(*parse(R"({"guided_regex":"a+"})").constraint).pattern, "a+");
  EXPECT_EQ(std::get<GrammarConstraint>(*parse(R"({"grammar":"root ::= \"a\""})").constraint).grammar, "root ::= \"a\"");
  const ConstraintFields choice = parse(R"({"structured_outputs":{"choice":["a","b"],"regex":null}})");
  EXPECT_EQ(std::get<ChoiceConstraint>(*choice.constraint).choices, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(choice.field, "structured_outputs.choice");
}

TEST(constraint_json, TwoConstraintsAreRefusedByBothNames) {
  const Error error = error_of(R"({"response_format":{"type":"json_object"},"guided_regex":"a"})");
  EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
  EXPECT_STREQ(error.what(), "response_format and guided_regex both constrain the answer; allowed: one of them");
  EXPECT_EQ(error_of(R"({"constrain_boxes":true,"grammar":"x"})").param(), "constrain_boxes");
}

TEST(constraint_json, MalformedFieldsAreNamed) {
  EXPECT_EQ(error_of(R"({"response_format":"text"})").param(), "response_format");
  EXPECT_EQ(error_of(R"({"response_format":{}})").param(), "response_format.type");
  EXPECT_EQ(error_of(R"({"response_format":{"type":"json_schema"}})").param(), "response_format");
  EXPECT_EQ(error_of(R"({"response_format":{"type":"json_schema","json_schema":{"name":"x"}}})").param(),
            "response_format.json_schema");
  EXPECT_EQ(error_of(R"({"guided_json":[1]})").param(), "guided_json");
  EXPECT_EQ(error_of(R"({"guided_choice":["a",1]})").param(), "guided_choice[1]");
  EXPECT_EQ(error_of(R"({"guided_regex":""})").param(), "guided_regex");
  EXPECT_EQ(error_of(R"({"max_boxes":0})").param(), "max_boxes");
}

TEST(constraint_json, BoxesAreLimited) {
  EXPECT_FALSE(parse(R"({"max_boxes":3})").boxes);
  EXPECT_EQ(parse(R"({"constrain_boxes":true})").boxes->max_boxes, 64);
  EXPECT_EQ(parse(R"({"constrain_boxes":true,"max_boxes":3})").boxes->max_boxes, 3);
}

}  // namespace
}  // namespace spyhop
