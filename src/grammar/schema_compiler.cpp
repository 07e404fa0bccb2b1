#include "grammar/schema_compiler.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/json_fields.h"
#include "grammar/schema_merge.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = SchemaCompiler::Json;
using ExprId = SchemaCompiler::ExprId;

constexpr int kMaxDepth = 100;       // schemas within each other, allOf and $ref included
constexpr int kMaxSchemas = 20'000;  // looked at, those that merging makes included

const std::vector<std::string>& type_names() {
  static const std::vector<std::string> names{"object", "array", "string", "number", "integer", "boolean", "null"};
  return names;
}

const std::map<std::string, std::set<std::string>>& keywords_by_type() {
  static const std::map<std::string, std::set<std::string>> keywords{
      {"object", {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyNames"}},
      {"array", {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}},
      {"string", {"minLength", "maxLength", "pattern", "format"}},
      {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}}};
  return keywords;
}

const std::set<std::string>& general_keywords() {
  static const std::set<std::string> keywords{"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"};
  return keywords;
}

std::string described(const Json& value) {
  return describe_json(nlohmann::json(value));
}

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return value.is_number_integer() ||
         (value.is_number() &&
          value.get<double>() == static_cast<double>(static_cast<int64_t>(std::clamp(value.get<double>(), -1e15, 1e15))));
}

}  // namespace

void SchemaCompiler::refuse(const std::string& path, const std::string& keyword, const std::string& why) {
  throw Error(ErrorCode::kInvalidRequest, "the schema at " + path + ": " + keyword + " " + why);
}

void SchemaCompiler::check_keywords(const Json& schema, const std::string& path) {
  for (const auto& [keyword, value] : schema.items()) {
    if (is_annotation(keyword) || general_keywords().count(keyword) != 0) continue;
    const auto& typed = keywords_by_type();
    const bool is_known =
        std::any_of(typed.begin(), typed.end(), [&k = keyword](const auto& entry) { return entry.second.count(k) != 0; });
    if (!is_known) refuse(path, keyword, "is not supported");
  }
}

/// As false does, and what tools write in its place.
bool SchemaCompiler::allows_nothing(const Json& schema) {
  if (schema == false) return true;
  const auto found = schema.is_object() ? schema.find("not") : schema.end();
  return found != schema.end() && (*found == true || *found == Json::object());
}

ExprId SchemaCompiler::compile(const Json& schema, const std::string& path) {
  if (++num_schemas_ > kMaxSchemas || depth_ >= kMaxDepth) {
    refuse(path, "the schema",
           "is too large; allowed: " + std::to_string(kMaxSchemas) + " parts, " + std::to_string(kMaxDepth) +
               " within each other, allOf and $ref applied");
  }
  if (schema == true) return rules_.value();
  if (allows_nothing(schema)) refuse(path, schema == false ? "false" : "not", "allows nothing");
  if (!schema.is_object()) refuse(path, described(schema), "is no schema; allowed: an object, true or false");
  check_keywords(schema, path);
  ++depth_;
  const ExprId result = compile_object(schema, path);
  --depth_;
  return result;
}

ExprId SchemaCompiler::compile_object(const Json& schema, const std::string& path) {
  for (const char* keyword : {"anyOf", "oneOf"}) {
    if (has(schema, keyword)) return alternatives(schema, keyword, path);
  }
  if (has(schema, "$ref")) return reference(schema, path);
  if (has(schema, "allOf")) return all_of(schema, path);
  if (has(schema, "enum") || has(schema, "const")) return values(schema, path);
  std::vector<std::string> types;
  if (has(schema, "type")) {
    const Json& type = schema["type"];
    for (const Json& name : type.is_array() ? type : Json::array({type})) {
      const auto& names = type_names();
      if (!name.is_string() || std::find(names.begin(), names.end(), name.get<std::string>()) == names.end()) {
        refuse(path, "type", "is " + described(name) + "; allowed: object, array, string, number, integer, boolean, null");
      }
      types.push_back(name.get<std::string>());
    }
    if (types.empty()) refuse(path, "type", "leaves nothing that is allowed");
  } else {
    for (const auto& [type, keywords] : keywords_by_type()) {
      for (const std::string& keyword : keywords) {
        if (has(schema, keyword.c_str()) && (types.empty() || types.back() != type)) types.push_back(type);
      }
    }
    if (types.empty()) return rules_.value();
  }
  std::vector<ExprId> parts;
  for (const std::string& type : types) parts.push_back(typed(schema, type, path));
  return grammar_.choice(std::move(parts));
}

ExprId SchemaCompiler::alternatives(const Json& schema, const char* keyword, const std::string& path) {
  const Json& list = schema[keyword];
  if (!list.is_array() || list.empty()) refuse(path, keyword, "is " + described(list) + "; allowed: an array of schemas");
  Json rest = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key != keyword && !is_annotation(key)) rest[key] = value;
  }
  std::vector<ExprId> parts;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string place = path + "." + keyword + "[" + std::to_string(i) + "]";
    const Json merged = rest.empty() ? list[i] : merge_schemas(list[i], rest, place);
    if (!allows_nothing(merged)) parts.push_back(compile(merged, place));
  }
  if (parts.empty()) refuse(path, keyword, "leaves nothing that is allowed");
  return grammar_.choice(std::move(parts));
}

ExprId SchemaCompiler::all_of(Json schema, const std::string& path) {
  const Json parts = std::move(schema["allOf"]);
  schema.erase("allOf");
  if (!parts.is_array() || parts.empty()) refuse(path, "allOf", "is " + described(parts) + "; allowed: an array of schemas");
  Json merged = std::move(schema);
  for (const Json& part : parts) {
    if (++num_schemas_ > kMaxSchemas) refuse(path, "allOf", "is too large");
    merged = merge_schemas(merged, part, path + ".allOf");
  }
  return compile(merged, path);
}

ExprId SchemaCompiler::reference(const Json& schema, const std::string& path) {
  if (!schema["$ref"].is_string()) refuse(path, "$ref", "is " + described(schema["$ref"]) + "; allowed: a string");
  const auto name = schema["$ref"].get<std::string>();
  const Json& target = resolve(name, path);
  Json rest = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key != "$ref" && !is_annotation(key)) rest[key] = value;
  }
  if (!rest.empty()) return compile(merge_schemas(target, rest, path), path);
  const auto known = references_.find(name);
  if (known != references_.end()) return grammar_.call(known->second);
  const Grammar::RuleId rule = grammar_.add_rule(name);
  references_[name] = rule;
  grammar_.define(rule, compile(target, name));
  return grammar_.call(rule);
}

const Json& SchemaCompiler::resolve(const std::string& reference, const std::string& path) const {
  if (reference == "#") return root_;
  if (reference.rfind("#/", 0) != 0)
    refuse(path, "$ref", "is \"" + reference + "\"; allowed: places in the same schema, \"#/$defs/name\"");
  try {
    return root_.at(Json::json_pointer(reference.substr(1)));
  } catch (const Json::exception&) {
    refuse(path, "$ref", "is \"" + reference + "\", which the schema does not have");
  }
}

ExprId SchemaCompiler::values(const Json& schema, const std::string& path) {
  for (const auto& [type, keywords] : keywords_by_type()) {
    for (const std::string& keyword : keywords) {
      if (has(schema, keyword.c_str())) refuse(path, keyword, "is not supported beside enum or const");
    }
  }
  Json list = has(schema, "enum") ? schema["enum"] : Json::array({schema["const"]});
  if (!list.is_array()) refuse(path, "enum", "is " + described(list) + "; allowed: an array");
  std::vector<std::string> texts;
  for (const Json& value : list) {
    if (has(schema, "const") && schema["const"] != value) continue;
    bool fits = !has(schema, "type");
    if (!fits) {
      const Json& type = schema["type"];
      for (const Json& name : type.is_array() ? type : Json::array({type})) {
        fits = fits || (name.is_string() && is_of_type(value, name.get<std::string>()));
      }
    }
    if (fits) texts.push_back(value.dump());
  }
  if (texts.empty()) refuse(path, has(schema, "enum") ? "enum" : "const", "leaves nothing that is allowed");
  return grammar_.one_of(std::move(texts));
}

ExprId SchemaCompiler::typed(const Json& schema, const std::string& type, const std::string& path) {
  if (type == "object") return object(schema, path);
  if (type == "array") return array(schema, path);
  if (type == "string") return string(schema, path);
  if (type == "number") return number(schema, /*is_whole=*/false, path);
  if (type == "integer") return number(schema, /*is_whole=*/true, path);
  if (type == "boolean") return grammar_.one_of({"true", "false"});
  return grammar_.text("null");
}

ExprId SchemaCompiler::as_rule(ExprId body, const std::string& name) {
  const Grammar::RuleId rule = grammar_.add_rule(name);
  grammar_.define(rule, body);
  return grammar_.call(rule);
}

}  // namespace spyhop
