// JSON schemas made of bytes, so that every input is nearly a good one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace spyhop::fuzz {

/// Each byte is a choice; when they are used up, all choices are the first.
class RandomSchema {
 public:
  RandomSchema(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  nlohmann::json make() {
    nlohmann::json schema = part(0);
    if (schema.is_object()) schema["$defs"] = {{"x", part(1)}};
    return schema;
  }

 private:
  using Json = nlohmann::json;

  int choose(int count) {
    if (left_ == 0) return 0;
    --left_;
    return *data_++ % count;
  }

  bool odds(int count) { return choose(count) == 1; }

  Json part(int depth) {
    const int kind = depth > 4 ? choose(6) : choose(13);
    switch (kind) {
      case 0:
        return {{"type", "null"}};
      case 1:
        return text();
      case 2:
        return number("integer");
      case 3:
        return number("number");
      case 4:
        return {{"enum", values()}};
      case 5:
        return {{"type", Json::array({"boolean", "string", "integer"})}, {"maxLength", choose(6)}, {"minimum", choose(20)}};
      case 6:
        return {{"$ref", odds(3) ? "#" : "#/$defs/x"}};
      case 7:
      case 8:
        return object(depth);
      case 9:
      case 10:
        return array(depth);
      case 11:
        return {{"anyOf", {part(depth + 1), part(depth + 1)}}};
      default:
        return {{"allOf", {part(depth + 1), part(depth + 1)}}};
    }
  }

  Json text() {
    Json schema{{"type", "string"}};
    if (odds(2)) schema["minLength"] = choose(5);
    if (odds(2)) schema["maxLength"] = choose(9);
    return schema;
  }

  /// With up to three places.
  double some_number() {
    static constexpr double kScales[] = {1, 10, 100, 1000, 0.001};
    return (choose(256) - 128) / kScales[choose(5)];
  }

  Json number(const char* type) {
    Json schema{{"type", type}};
    if (odds(2)) schema[odds(2) ? "minimum" : "exclusiveMinimum"] = some_number();
    if (odds(2)) schema[odds(2) ? "maximum" : "exclusiveMaximum"] = some_number();
    if (odds(3)) schema["multipleOf"] = std::abs(some_number());
    return schema;
  }

  Json values() {
    static const Json kAll = Json::parse(R"([null, 1, -2.5, "a", "ab", "\"\\\u0001", true, {"a": [1]}, [], {}, "中"])");
    Json list = Json::array();
    for (int left = 1 + choose(4); left > 0; --left) list.push_back(kAll[static_cast<size_t>(choose(11))]);
    return list;
  }

  std::string name() {
    static const char* const kNames[] = {"a", "b", "ab", "", "\"", "中", "a\n"};
    return kNames[choose(7)];
  }

  Json object(int depth) {
    Json schema{{"type", "object"}};
    for (int left = choose(4); left > 0; --left) schema["properties"][name()] = part(depth + 1);
    for (int left = choose(3); left > 0; --left) schema["required"].push_back(name());
    if (odds(2)) schema["additionalProperties"] = odds(2) ? Json(odds(2)) : part(depth + 1);
    if (odds(4)) schema["minProperties"] = choose(3);
    if (odds(4)) schema["maxProperties"] = choose(4);
    if (odds(6)) schema["propertyNames"] = odds(2) ? text() : Json{{"enum", {name(), name()}}};
    return schema;
  }

  Json array(int depth) {
    Json schema{{"type", "array"}};
    if (odds(2)) schema["items"] = part(depth + 1);
    for (int left = choose(3); left > 0; --left) schema["prefixItems"].push_back(part(depth + 1));
    if (odds(2)) schema["minItems"] = choose(4);
    if (odds(2)) schema["maxItems"] = choose(5);
    return schema;
  }

  const uint8_t* data_;
  size_t left_;
};

}  // namespace spyhop::fuzz
