#include "grammar/schema_merge.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& path, const std::string& keyword, const std::string& why) {
  throw Error(ErrorCode::kInvalidRequest, "the schema at " + path + ": " + keyword + " " + why);
}

ordered_json both(const ordered_json& first, const ordered_json& second) {
  if (first == false || second == false) return false;
  if (first == second || second == true) return first;
  if (first == true) return second;
  return {{"allOf", {first, second}}};
}

std::vector<std::string> type_names(const ordered_json& type) {
  std::vector<std::string> names;
  if (type.is_string()) names.push_back(type.get<std::string>());
  if (type.is_array()) {
    for (const ordered_json& name : type) {
      if (name.is_string()) names.push_back(name.get<std::string>());
    }
  }
  return names;
}

ordered_json common_types(const ordered_json& first, const ordered_json& second) {
  const std::vector<std::string> others = type_names(second);
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  ordered_json common = ordered_json::array();
  for (const std::string& name : type_names(first)) {
    if (has(others, name) || (name == "integer" && has(others, "number"))) common.push_back(name);
    if (name == "number" && has(others, "integer") && !has(others, "number")) common.push_back("integer");
  }
  return common;
}

ordered_json common_values(const ordered_json& first, const ordered_json& second) {
  ordered_json common = ordered_json::array();
  for (const ordered_json& value : first) {
    if (std::find(second.begin(), second.end(), value) != second.end()) common.push_back(value);
  }
  return common;
}

ordered_json united(const ordered_json& first, const ordered_json& second) {
  ordered_json all = first;
  for (const ordered_json& value : second) {
    if (std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
  }
  return all;
}

ordered_json properties_of(const ordered_json& schema) {
  const auto found = schema.find("properties");
  return found != schema.end() && found->is_object() ? *found : ordered_json::object();
}

ordered_json additional_of(const ordered_json& schema) {
  const auto found = schema.find("additionalProperties");
  return found != schema.end() ? *found : ordered_json(true);
}

/// The properties of both, each held to the other's additionalProperties where that one does not name it. What may not be there
/// at all is left out: `required` will miss it.
void merge_properties(const ordered_json& first, const ordered_json& second, ordered_json& merged) {
  const std::array<ordered_json, 2> own{properties_of(first), properties_of(second)};
  const std::array<ordered_json, 2> additional{additional_of(first), additional_of(second)};
  ordered_json properties = ordered_json::object();
  for (size_t i = 0; i < 2; ++i) {
    for (const auto& [name, schema] : own[i].items()) {
      const bool is_known = own[1 - i].contains(name);
      if (properties.contains(name) || (!is_known && additional[1 - i] == false)) continue;
      properties[name] = both(schema, is_known ? own[1 - i][name] : additional[1 - i]);
    }
  }
  if (first.contains("properties") || second.contains("properties")) merged["properties"] = std::move(properties);
  if (!first.contains("additionalProperties") && !second.contains("additionalProperties")) return;
  const bool is_closed = additional[0] == false || additional[1] == false;
  merged["additionalProperties"] = is_closed ? ordered_json(false) : both(additional[0], additional[1]);
}

ordered_json prefix_of(const ordered_json& schema) {
  const auto found = schema.find("prefixItems");
  return found != schema.end() && found->is_array() ? *found : ordered_json::array();
}

/// Position by position, where one has a schema of its own for a position and the other one for all.
void merge_items(const ordered_json& first, const ordered_json& second, ordered_json& merged) {
  const std::array<ordered_json, 2> prefix{prefix_of(first), prefix_of(second)};
  const std::array<ordered_json, 2> others{first.value("items", ordered_json(true)), second.value("items", ordered_json(true))};
  ordered_json common = ordered_json::array();
  ordered_json items = both(others[0], others[1]);
  for (size_t i = 0; i < std::max(prefix[0].size(), prefix[1].size()); ++i) {
    const ordered_json item =
        both(i < prefix[0].size() ? prefix[0][i] : others[0], i < prefix[1].size() ? prefix[1][i] : others[1]);
    if (item == false) {
      items = false;
      break;
    }
    common.push_back(item);
  }
  merged.erase("prefixItems");
  if (!common.empty()) merged["prefixItems"] = std::move(common);
  if (items != true) merged["items"] = std::move(items);
}

/// Of what merging would lose otherwise.
void check_kinds(const ordered_json& schema, const std::string& path) {
  if (schema.contains("properties") && !schema["properties"].is_object()) refuse(path, "properties", "is no object");
  if (schema.contains("prefixItems") && !schema["prefixItems"].is_array()) refuse(path, "prefixItems", "is no array");
}

/// What two values of one keyword amount to; null where they do not.
ordered_json merge_values(const std::string& keyword, const ordered_json& first, const ordered_json& second) {
  static const std::set<std::string> lower{"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"};
  static const std::set<std::string> upper{"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"};
  if (first == second) return first;
  if (keyword == "type") return common_types(first, second);
  if (keyword == "enum" && first.is_array() && second.is_array()) return common_values(first, second);
  if (keyword == "required" && first.is_array() && second.is_array()) return united(first, second);
  const bool are_numbers = first.is_number() && second.is_number();
  if (are_numbers && lower.count(keyword) != 0) return std::max(first, second);
  if (are_numbers && upper.count(keyword) != 0) return std::min(first, second);
  return nullptr;
}

/// Of which merging two depends on other keywords.
bool has_rules_of_its_own(const std::string& keyword) {
  return keyword == "properties" || keyword == "additionalProperties" || keyword == "items" || keyword == "prefixItems";
}

}  // namespace

bool is_annotation(const std::string& keyword) {
  static const std::set<std::string> annotations{
      "$schema",    "$id",      "$comment", "$defs",         "definitions", "title",     "description",     "default",
      "deprecated", "examples", "example",  "discriminator", "readOnly",    "writeOnly", "contentEncoding", "contentMediaType"};
  return annotations.count(keyword) != 0 || keyword.rfind("x-", 0) == 0;
}

ordered_json merge_schemas(const ordered_json& first, const ordered_json& second, const std::string& path) {
  if (first == false || second == false) return false;
  if (first == true) return second;
  if (second == true) return first;
  if (!first.is_object() || !second.is_object()) refuse(path, "allOf", "has something that is no schema");
  ordered_json merged = first;
  const auto defer = [&](ordered_json part) {
    if (!merged.contains("allOf")) merged["allOf"] = ordered_json::array();
    merged["allOf"].push_back(std::move(part));
  };
  for (const auto& [keyword, value] : second.items()) {
    if (is_annotation(keyword) || has_rules_of_its_own(keyword)) continue;
    if (keyword == "allOf" && value.is_array()) {
      for (const ordered_json& part : value) defer(part);
      continue;
    }
    if (!merged.contains(keyword)) {
      merged[keyword] = value;
      continue;
    }
    if (keyword == "$ref" || keyword == "anyOf" || keyword == "oneOf") {
      if (merged[keyword] != value) defer({{keyword, value}});
      continue;
    }
    const ordered_json common = merge_values(keyword, merged[keyword], value);
    if (common.is_null()) refuse(path, keyword, "cannot be merged with the other " + keyword + " that holds here");
    merged[keyword] = common;
  }
  check_kinds(first, path);
  check_kinds(second, path);
  merge_properties(first, second, merged);
  merge_items(first, second, merged);
  return merged;
}

}  // namespace spyhop
