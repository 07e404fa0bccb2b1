// JSON Schema in the plainest way, for the keywords that tests use.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

namespace spyhop {

inline bool has_type(const nlohmann::json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number_integer() || (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  if (type == "number") return value.is_number();
  return type == (value.is_boolean() ? "boolean" : value.type_name());
}

inline size_t num_chars(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Holds values to a schema, unless that takes too long: references may lead back to themselves.
class SmallValidator {
 public:
  /// `root` must outlive it.
  explicit SmallValidator(const nlohmann::json& root) : root_(root) {}

  /// The keyword that `value` does not hold to; empty when it is valid.
  std::string violation(const nlohmann::json& value) { return violation(value, root_); }

  bool has_given_up() const { return has_given_up_; }

 private:
  static constexpr int kMaxDepth = 200;
  static constexpr int kMaxSteps = 100'000;

  std::string violation(const nlohmann::json& value, const nlohmann::json& schema) {
    has_given_up_ = has_given_up_ || depth_ == kMaxDepth || ++num_steps_ > kMaxSteps;
    if (has_given_up_) return "";
    ++depth_;
    std::string found = check(value, schema);
    --depth_;
    return found;
  }

  std::string check(const nlohmann::json& value, const nlohmann::json& schema) {
    if (schema.is_boolean()) return schema == true ? "" : "false";
    const auto has = [&](const char* key) { return schema.contains(key); };
    if (has("$ref")) {
      const auto place = nlohmann::json::json_pointer(schema["$ref"].get<std::string>().substr(1));
      if (const std::string found = violation(value, root_.at(place)); !found.empty()) return found;
    }
    if (has("type")) {
      const nlohmann::json types = schema["type"].is_array() ? schema["type"] : nlohmann::json::array({schema["type"]});
      if (std::none_of(types.begin(), types.end(), [&](const auto& type) { return has_type(value, type); })) return "type";
    }
    if (has("const") && schema["const"] != value) return "const";
    if (has("enum") && std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) return "enum";
    for (const char* key : {"anyOf", "allOf"}) {
      if (!has(key)) continue;
      const auto is_valid = [&](const auto& part) { return violation(value, part).empty(); };
      const auto num_valid = std::count_if(schema[key].begin(), schema[key].end(), is_valid);
      if (num_valid < (std::string(key) == "anyOf" ? 1 : static_cast<ptrdiff_t>(schema[key].size()))) return key;
    }
    if (value.is_number()) {
      const double number = value.get<double>();
      if (has("minimum") && number < schema["minimum"].get<double>()) return "minimum";
      if (has("maximum") && number > schema["maximum"].get<double>()) return "maximum";
      if (has("exclusiveMinimum") && number <= schema["exclusiveMinimum"].get<double>()) return "exclusiveMinimum";
      if (has("exclusiveMaximum") && number >= schema["exclusiveMaximum"].get<double>()) return "exclusiveMaximum";
      if (has("multipleOf")) {
        const double count = number / schema["multipleOf"].get<double>();
        if (std::abs(count - std::round(count)) > 1e-6 * std::max(1.0, std::abs(count))) return "multipleOf";
      }
    }
    if (value.is_string()) {
      const auto text = value.get<std::string>();
      if (has("minLength") && num_chars(text) < schema["minLength"].get<size_t>()) return "minLength";
      if (has("maxLength") && num_chars(text) > schema["maxLength"].get<size_t>()) return "maxLength";
      if (has("pattern") && !std::regex_search(text, std::regex(schema["pattern"].get<std::string>()))) return "pattern";
    }
    if (value.is_array()) {
      if (has("minItems") && value.size() < schema["minItems"].get<size_t>()) return "minItems";
      if (has("maxItems") && value.size() > schema["maxItems"].get<size_t>()) return "maxItems";
      const size_t num_prefix = has("prefixItems") ? schema["prefixItems"].size() : 0;
      for (size_t i = 0; i < value.size(); ++i) {
        const nlohmann::json item = i < num_prefix ? schema["prefixItems"][i] : schema.value("items", nlohmann::json(true));
        if (const std::string found = violation(value[i], item); !found.empty()) return "items: " + found;
      }
    }
    if (value.is_object()) {
      if (has("minProperties") && value.size() < schema["minProperties"].get<size_t>()) return "minProperties";
      if (has("maxProperties") && value.size() > schema["maxProperties"].get<size_t>()) return "maxProperties";
      for (const auto& name : schema.value("required", nlohmann::json::array())) {
        if (!value.contains(name.get<std::string>())) return "required";
      }
      const nlohmann::json properties = schema.value("properties", nlohmann::json::object());
      for (const auto& [name, part] : value.items()) {
        if (has("propertyNames") && !violation(name, schema["propertyNames"]).empty()) return "propertyNames";
        const nlohmann::json& rule =
            properties.contains(name) ? properties[name] : schema.value("additionalProperties", nlohmann::json(true));
        if (const std::string found = violation(part, rule); !found.empty()) return name + ": " + found;
      }
    }
    return "";
  }

  const nlohmann::json& root_;
  int depth_ = 0;
  int num_steps_ = 0;
  bool has_given_up_ = false;
};

}  // namespace spyhop
