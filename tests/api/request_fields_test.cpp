#include "api/request_fields.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "api/chat_request_json.h"
#include "api/completion_request_json.h"
#include "api/grounding_call_json.h"
#include "api/token_json.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

/// Field -> use, of the table below the heading "## `endpoint`".
std::map<std::string, std::string> documented_fields(const std::string& endpoint) {
  std::ifstream file(SPYHOP_SOURCE_DIR "/src/api/README.md");
  std::map<std::string, std::string> fields;
  bool is_here = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("## ", 0) == 0) is_here = line == "## " + endpoint;
    if (!is_here || line.rfind("| `", 0) != 0) continue;
    const size_t end = line.find('`', 3);
    const size_t use = end + 4;
    const std::string name = line.substr(3, end - 3);
    EXPECT_TRUE(fields.emplace(name, line.substr(use, line.find(' ', use) - use)).second) << name << " is documented twice";
  }
  return fields;
}

/// A body of each endpoint that is fine, and its parser.
struct Endpoint {
  const FieldTable* fields;
  json body;
  std::function<void(const RequestBody&)> parse;
};

std::vector<Endpoint> parsed_endpoints() {
  const json messages = json::parse(R"([{"role": "user", "content": "hi"}])");
  return {
      {&chat_fields(), {{"messages", messages}}, [](const RequestBody& body) { parse_chat_request(body); }},
      {&completion_fields(), {{"prompt", "hi"}}, [](const RequestBody& body) { parse_completion_request(body); }},
      {&grounding_fields(),
       {{"image", "data:,"}, {"phrase", "a cat"}},
       [](const RequestBody& body) { parse_grounding_call(body); }},
      {&tokenize_fields(), {{"prompt", "hi"}}, [](const RequestBody& body) { parse_tokenize_request(body); }},
      {&detokenize_fields(), {{"tokens", {1}}}, [](const RequestBody& body) { parse_detokenize_request(body); }},
  };
}

/// The error for `value` as `field`; nothing when there is none.
std::optional<Error> error_for(const Endpoint& endpoint, const std::string& field, const json& value) {
  json body = endpoint.body;
  body[field] = value;
  try {
    endpoint.parse(RequestBody(body.dump(), *endpoint.fields));
    return std::nullopt;
  } catch (const Error& e) {
    return e;
  }
}

const std::vector<json> kOddValues = {json(-5), json("?"), json(true), json::array({json::object()}), json::object({{"x", 1}})};

TEST(request_fields, AreDocumentedAsTheyAre) {
  for (const FieldTable* table : all_field_tables()) {
    std::map<std::string, std::string> in_code;
    for (const RequestField& field : table->fields) {
      EXPECT_TRUE(in_code.emplace(field.name, field_use_name(field.use)).second) << field.name << " is in the table twice";
    }
    EXPECT_EQ(documented_fields(table->endpoint), in_code) << table->endpoint;
  }
}

TEST(request_fields, HonouredOnesAreHeldToTheirTypes) {
  for (const Endpoint& endpoint : parsed_endpoints()) {
    for (const RequestField& field : endpoint.fields->fields) {
      if (field.use != FieldUse::kHonoured) continue;
      bool is_read = false;
      for (const json& value : kOddValues) {
        const std::optional<Error> error = error_for(endpoint, field.name, value);
        EXPECT_TRUE(!error || error->code() != ErrorCode::kInternal) << field.name << ": " << error->what();
        is_read = is_read || error.has_value();
      }
      EXPECT_TRUE(is_read) << endpoint.fields->endpoint << " reads no " << field.name;
    }
  }
}

TEST(request_fields, IgnoredOnesMayHoldAnything) {
  for (const Endpoint& endpoint : parsed_endpoints()) {
    for (const RequestField& field : endpoint.fields->fields) {
      if (field.use != FieldUse::kIgnored) continue;
      for (const json& value : kOddValues) EXPECT_FALSE(error_for(endpoint, field.name, value)) << field.name;
    }
  }
}

TEST(request_fields, RefusedOnesMayAskForNothingOnly) {
  for (const Endpoint& endpoint : parsed_endpoints()) {
    for (const RequestField& field : endpoint.fields->fields) {
      if (field.use != FieldUse::kRefused) continue;
      EXPECT_FALSE(error_for(endpoint, field.name, nullptr)) << field.name;
      const std::optional<Error> error = error_for(endpoint, field.name, {{"x", 1}});
      ASSERT_TRUE(error) << field.name;
      EXPECT_EQ(error->code(), ErrorCode::kUnsupported) << field.name;
      EXPECT_EQ(error->param(), field.name);
      std::istringstream harmless(field.harmless);
      for (std::string value; harmless >> value;) {
        EXPECT_FALSE(error_for(endpoint, field.name, json::parse(value))) << field.name << " " << value;
      }
    }
  }
}

TEST(request_fields, AParserThatAsksForAnotherFieldIsADefect) {
  const RequestBody body(R"({"tokens": [1]})", detokenize_fields());
  EXPECT_THROW(body.reader().find("messages"), Error);
}

}  // namespace
}  // namespace spyhop
