#include "grammar/json_schema.h"

#include <nlohmann/json.hpp>
#include <string>

#include "grammar/json_rules.h"
#include "grammar/schema_compiler.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kMaxJsonDepth = 64;

nlohmann::ordered_json parse(std::string_view text) {
  const auto check_depth = [](int depth, nlohmann::ordered_json::parse_event_t, nlohmann::ordered_json&) {
    if (depth > kMaxJsonDepth) {
      throw Error(ErrorCode::kInvalidRequest, "the schema is nested too deep; allowed: " + std::to_string(kMaxJsonDepth));
    }
    return true;
  };
  try {
    return nlohmann::ordered_json::parse(text, check_depth);
  } catch (const nlohmann::ordered_json::exception& error) {
    throw Error(ErrorCode::kInvalidRequest, std::string("the schema is no JSON: ") + error.what());
  }
}

}  // namespace

Grammar parse_json_schema(std::string_view schema, const GrammarLimits& limits) {
  check_source_size(schema, limits);
  const nlohmann::ordered_json json = parse(schema);
  Grammar grammar(limits);
  const Grammar::RuleId root = grammar.add_rule("root");
  SchemaCompiler compiler(grammar, json);
  grammar.define(root, compiler.compile(json, "$"));
  return grammar;
}

Grammar json_object_grammar() {
  Grammar grammar;
  const Grammar::RuleId root = grammar.add_rule("root");
  JsonRules rules(grammar);
  grammar.define(root, rules.object());
  return grammar;
}

}  // namespace spyhop
