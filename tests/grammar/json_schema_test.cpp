#include "grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "grammar_fixture.h"
#include "small_validator.h"

namespace spyhop {
namespace {

using nlohmann::json;

TEST(JsonSchema, RandomAnswersAreValid) {
  const char* const schemas[] = {
      R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}, "age": {"type": "integer", "minimum": 0,
          "maximum": 120}, "ok": {"type": "boolean"}}, "required": ["name", "age"], "additionalProperties": false})",
      R"({"type": "array", "items": {"enum": ["a", "ab", 1, null, {"x": [1, 2]}]}, "minItems": 2, "maxItems": 40})",
      R"({"$defs": {"n": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/n"},
          {"type": "null"}]}}, "required": ["v", "next"]}}, "$ref": "#/$defs/n"})",
      R"({"type": "number", "minimum": -1.5, "maximum": 2.25})",
      R"({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})",
      R"({"type": "number", "minimum": -0.75, "exclusiveMaximum": -0.25})",
      R"({"type": "number", "minimum": 10.125})",
      R"({"type": "integer", "exclusiveMinimum": -20, "maximum": 1034})",
      R"({"type": "integer", "maximum": -7.5})",
      R"({"type": "integer", "minimum": 12345})",
      R"({"type": ["string", "null", "integer"], "minLength": 2, "maximum": 9})",
      R"({"type": "object", "properties": {"a": {"type": "integer"}, "ab": {"type": "string"}, "b\"c": true},
          "additionalProperties": {"type": "boolean"}})",
      R"({"type": "object", "additionalProperties": {"type": "null"}, "minProperties": 1, "maxProperties": 3})",
      R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}, "minItems": 1,
          "maxItems": 5})",
      R"({"allOf": [{"type": "object", "properties": {"a": {"type": "number", "minimum": 2}}, "required": ["a"]},
          {"properties": {"a": {"type": "integer", "maximum": 5}, "b": {"const": "x"}}}]})",
      R"({"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object", "properties": {"a": {"type": "null"},
          "b": {"type": "null"}}, "additionalProperties": false})",
      R"({"type": "string", "pattern": "^[A-Z]{2}\"\\d+$"})",
      R"({"type": "string", "pattern": "\\d", "minLength": 1})",
      R"({"type": "string", "pattern": "^[a-f]+(-[a-f]+)*$", "minLength": 3, "maxLength": 9})",
      R"({"type": "string", "pattern": "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
          "format": "email", "maxLength": 60})",
      R"({"type": "integer", "multipleOf": 7})",
      R"({"type": "integer", "multipleOf": 0.5, "minimum": 3})",
      R"({"type": "number", "multipleOf": 0.25, "minimum": -1, "exclusiveMaximum": 20})",
      R"({"type": "number", "multipleOf": 0.01, "minimum": 0})",
      R"({"type": "number", "minimum": -3.4e38, "maximum": 3.4e38})",
      R"({"type": "object", "propertyNames": {"pattern": "^[a-c]{1,3}$"}, "additionalProperties": {"type": "null"}})",
      R"({"type": "object", "propertyNames": {"type": "string", "enum": ["a", "b"]}, "additionalProperties": {"type": "null"},
          "required": ["b"]})",
      R"({"type": "object", "propertyNames": {"type": "string"}, "properties": {"a": {"type": "null"}},
          "additionalProperties": {"type": "boolean"}})",
      R"({})",
      R"({"type": "object"})",
  };
  std::mt19937 random(3);
  for (const char* schema : schemas) {
    const auto grammar = compiled(parse_json_schema(schema));
    const json parsed = json::parse(schema);
    SmallValidator validator(parsed);
    int num_complete = 0;
    for (int i = 0; i < 40; ++i) {
      const std::string answer = random_answer(grammar, random, 200);
      if (answer.empty()) continue;
      ++num_complete;
      ASSERT_TRUE(json::accept(answer)) << schema << "\n" << answer;
      EXPECT_EQ(validator.violation(json::parse(answer)), "") << schema << "\n" << answer;
    }
    EXPECT_GT(num_complete, 5) << schema;
  }
}

struct Case {
  const char* schema;
  std::vector<const char*> matching;
  std::vector<const char*> others;
};

TEST(JsonSchema, TakesWhatIsValidAndNothingElse) {
  const Case cases[] = {
      {R"({"type": "integer", "minimum": -12, "maximum": 105})",
       {"-12", "-1", "0", "9", "99", "100", "105"},
       {"-13", "106", "007", "1.0", "-0", ""}},
      {R"({"type": "number", "minimum": 0.25, "maximum": 1})",
       {"0.25", "0.250", "0.3", "1", "1.0", "0.999"},
       {"0.2", "0", "1.01", "-0.5"}},
      {R"({"type": "number", "minimum": 1.25, "maximum": 1.5})", {"1.25", "1.3", "1.5", "1.50"}, {"1", "1.2", "1.51", "1.6"}},
      {R"({"type": "number"})", {"0", "-0.5", "1e5", "12.25E-3"}, {"01", ".5", "1.", "+1", "1e", "NaN"}},
      {R"({"type": "string", "format": "date"})",
       {R"("2024-02-29")", R"("2000-02-29")", R"("2023-12-31")"},
       {R"("2023-02-29")", R"("1900-02-29")", R"("2023-04-31")", R"("2023-13-01")"}},
      {R"({"type": "string", "format": "ipv4"})", {R"("255.0.10.199")"}, {R"("256.0.0.1")", R"("1.2.3")", R"("01.2.3.4")"}},
      {R"({"type": "string", "format": "uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")"}, {R"("123e4567")"}},
      {R"({"type": "string", "maxLength": 2})",
       {R"("")", R"("ab")", R"("\n\"")", R"("中文")", R"("\ud83d\ude00x")", R"("\u00e9")"},
       {R"("abc")", R"("\ud83d")", "\"\n\"", R"("\x")"}},
      {R"({"type": "object", "properties": {"b": {"type": "null"}, "a": {"type": "null"}}})",
       {R"({})", R"({"b":null,"a":null})", R"({"a": null})", "{\n  \"b\": null\n}"},
       {R"({"a":null,"b":null})", R"({"c":null})", R"({"a" :null})", R"({"a":  null})", R"({,})", R"({"b":null,})"}},
      {R"({"const": {"x": [1, "y"]}})", {R"({"x":[1,"y"]})"}, {R"({"x":[1]})"}},
      {R"({"type": "string", "enum": ["a", 1, "b"]})", {R"("a")", R"("b")"}, {"1"}},
      {R"({"$ref": "#/definitions/x~1y", "definitions": {"x/y": {"type": "null"}}})", {"null"}, {"1"}},
      {R"({"type": "integer", "multipleOf": 5, "minimum": -10, "maximum": 100})",
       {"-10", "-5", "0", "15", "100"},
       {"-15", "7", "105", "5.0", "-0"}},
      {R"({"type": "integer", "multipleOf": 1.5})", {"0", "3", "-9", "12"}, {"1", "2", "1.5"}},
      {R"({"type": "number", "multipleOf": 0.05, "exclusiveMinimum": 0, "maximum": 1.1})",
       {"0.05", "0.1", "0.10", "1", "1.1", "0.95"},
       {"0", "0.01", "0.051", "1.15", "-0.05"}},
      {R"({"type": "string", "pattern": "^[a-z]+$", "maxLength": 3, "minLength": 2})",
       {R"("ab")", R"("abc")"},
       {R"("a")", R"("abcd")"}},
      {R"({"type": "string", "pattern": "^2024", "format": "date"})", {R"("2024-02-29")"}, {R"("2023-01-01")", R"("2024")"}},
      {R"({"type": "string", "pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"})",
       {R"("12.5")", R"("-0.1")", R"("7")"},
       {R"("")", R"("+.")", R"("1e5")"}},
      {R"({"type": "string", "format": "ulid", "pattern": "^[0-9A-Z]{3}$"})", {R"("0AZ")"}, {R"("0az")"}},
      {R"({"type": "string", "pattern": "^(?!\")[^a]{1,2}$"})", {R"("x\"")", R"("\n")"}, {R"("\"x")", R"("a")", "\"\n\""}},
      {R"({"type": "object", "propertyNames": {"maxLength": 1}, "additionalProperties": {"type": "null"}})",
       {"{}", R"({"a":null,"b":null})", R"({"":null})"},
       {R"({"ab":null})"}},
      {R"({"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "null"}})",
       {"{}", R"({"a":null,"b":null})", R"({"b":null})"},
       {R"({"c":null})", R"({"a":null,"a":null})"}},
      {R"({"type": "object", "properties": {"a": {"not": {}}, "b": {"type": "null"}}, "x-order": 1})",
       {"{}", R"({"b":null})"},
       {R"({"a":1})"}},
      {R"({"allOf": [{"items": {"type": "integer"}}, {"prefixItems": [true, {"type": ["null", "integer"]}, {"maximum": 5}]}]})",
       {"[]", "[1]", "[1,2,5,9]"},
       {"[null]", "[1,null]", "[1,2,6]"}},
      {R"({"allOf": [{"items": {"minimum": 3}}, {"prefixItems": [{"type": "integer"}], "items": {"type": "null"}}]})",
       {"[]", "[3]", "[3,null]"},
       {"[2]", "[3,4]"}},
      {R"(true)", {"1", "[]", R"({"a":[{}]})"}, {"", "tru"}},
  };
  for (const Case& each : cases) {
    const auto grammar = compiled(parse_json_schema(each.schema));
    for (const char* text : each.matching) EXPECT_TRUE(accepts(*grammar, text)) << each.schema << " " << text;
    for (const char* text : each.others) EXPECT_FALSE(accepts(*grammar, text)) << each.schema << " " << text;
  }
}

TEST(JsonSchema, RefusesByPathAndKeyword) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type": "object", "properties": {"a": {"not": {"type": "null"}}}})",
       "the schema at $.properties.a: not is not supported"},
      {R"({"patternProperties": {}})", "the schema at $: patternProperties is not supported"},
      {R"({"type": "array", "uniqueItems": true})", "the schema at $: uniqueItems is not supported"},
      {R"({"type": "int"})", "the schema at $: type is \"int\"; allowed: object, array"},
      {R"({"type": "array", "items": {"type": "string", "format": "color"}})", "the schema at $.items: format is \"color\""},
      {R"_({"type": "string", "pattern": "(?=a)"})_", "the schema at $: pattern is not supported: the pattern has lookaround"},
      {R"({"type": "string", "pattern": "^a{5}$", "maxLength": 3})",
       "the schema at $: pattern is not supported: no text matches that has so many characters"},
      {R"({"type": "string", "pattern": 5})", "the schema at $: pattern is 5; allowed: a string"},
      {R"({"type": "object", "minProperties": 2})", "the schema at $: minProperties is 2; allowed: 0 or 1"},
      {R"({"type": "number", "multipleOf": 0})", "multipleOf is 0; allowed: positive numbers"},
      {R"({"type": "number", "multipleOf": 1e-9})", "multipleOf is 1e-09; allowed: positive numbers"},
      {R"({"type": "integer", "multipleOf": "2"})", "multipleOf is \"2\"; allowed: numbers"},
      {R"({"type": "integer", "multipleOf": 9, "minimum": 1, "maximum": 8})", "multipleOf and the bounds leave nothing"},
      {R"({"type": "integer", "minimum": 1e30})", "minimum is 1e+30; allowed: numbers of up to 19 digits"},
      {R"({"properties": {"a": true}, "propertyNames": {"maxLength": 1}})", "propertyNames is not supported beside properties"},
      {R"({"propertyNames": {"enum": ["a"], "minLength": 1}})", "the schema at $.propertyNames: minLength is not supported"},
      {R"({"properties": {"a": {"not": {}}}, "required": ["a"]})", "the schema at $.properties.a: not allows nothing"},
      {R"({"$ref": "https://example.com/x"})", "allowed: places in the same schema"},
      {R"({"$ref": "#/$defs/x"})", "which the schema does not have"},
      {R"({"$ref": "#"})", "no text matches"},
      {R"({"enum": []})", "enum leaves nothing that is allowed"},
      {R"({"type": "integer", "minimum": 5, "maximum": 4})", "leave nothing that is allowed"},
      {R"({"type": "integer", "minimum": "5"})", "minimum is \"5\""},
      {R"({"type": "string", "minLength": -1})", "minLength is -1"},
      {R"({"type": "string", "minLength": 4, "maxLength": 3})", "more than maxLength"},
      {R"({"properties": {"a": false}, "required": ["a"]})", "the schema at $.properties.a: false allows nothing"},
      {R"({"properties": {}, "required": ["a"], "additionalProperties": false})", "asks for \"a\""},
      {R"({"allOf": [{"type": "string"}, {"type": "object"}]})", "type leaves nothing"},
      {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", "pattern cannot be merged"},
      {R"({"allOf": [{"type": "array"}, {"prefixItems": 1}]})", "the schema at $.allOf: prefixItems is no array"},
      {R"({"allOf": [{"type": "object"}, {"properties": 1}]})", "the schema at $.allOf: properties is no object"},
      {R"([1])", "is no schema"},
      {R"({"type": )", "the schema is no JSON"},
  };
  for (const auto& [schema, message] : cases) {
    EXPECT_THAT(error_of([s = schema] { compiled(parse_json_schema(s)); }), testing::HasSubstr(message)) << schema;
  }
}

TEST(JsonSchema, RefusesEveryOtherKeywordByItsPlace) {
  for (const char* keyword : {"if",
                              "then",
                              "else",
                              "not",
                              "contains",
                              "minContains",
                              "maxContains",
                              "dependentRequired",
                              "dependentSchemas",
                              "dependencies",
                              "patternProperties",
                              "unevaluatedProperties",
                              "unevaluatedItems",
                              "additionalItems",
                              "$anchor",
                              "$dynamicRef",
                              "$dynamicAnchor",
                              "$recursiveRef",
                              "nullable",
                              "Type"}) {
    const json part{{keyword, json::array({1})}};
    const json schema{{"type", "object"}, {"properties", {{"a", {{"type", "array"}, {"items", {{"anyOf", {part}}}}}}}}};
    const std::string expected = std::string("the schema at $.properties.a.items.anyOf[0]: ") + keyword + " is not supported";
    EXPECT_EQ(error_of([&] { parse_json_schema(schema.dump()); }), expected);
  }
}

TEST(JsonSchema, HostileSchemasEndAtALimit) {
  std::string nested = R"({"type": "null"})";
  for (int i = 0; i < 100; ++i) nested = R"({"type": "array", "items": )" + nested + "}";
  EXPECT_THAT(error_of([&] { parse_json_schema(nested); }), testing::HasSubstr("nested too deep"));
  EXPECT_THAT(error_of([] {
                parse_json_schema(R"({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}], "type": "object"}},
      "$ref": "#/$defs/a"})");
              }),
              testing::HasSubstr("is too large"));
  std::string product = R"({"type": "object")";
  for (const char* keyword : {"anyOf", "oneOf"}) {
    product += std::string(", \"") + keyword + "\": [";
    for (int i = 0; i < 400; ++i)
      product += (i > 0 ? ", " : "") + std::string(R"({"required": ["p)") + std::to_string(i) + R"("]})";
    product += "]";
  }
  EXPECT_THAT(error_of([&] { compiled(parse_json_schema(product + "}")); }), testing::HasSubstr("too large"));
}

}  // namespace
}  // namespace spyhop
