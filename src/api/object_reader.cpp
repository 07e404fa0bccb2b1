#include "api/object_reader.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "api/json_text.h"

namespace spyhop {
namespace {

std::string allowed_numbers(const NumberRange& range) {
  std::ostringstream text;
  text << "a number " << (range.min_excluded ? "above " : "from ") << range.min << (range.min_excluded ? ", at most " : " to ")
       << range.max;
  return text.str();
}

std::optional<int64_t> whole_number(const nlohmann::json& value) {
  constexpr double kExactlyWhole = 9007199254740992.0;  // 2^53
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (std::abs(number) > kExactlyWhole || std::trunc(number) != number) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

ObjectReader::ObjectReader(nlohmann::json& object, std::string path) : object_(object), path_(std::move(path)) {}

std::string ObjectReader::path_of(const char* key) const {
  return path_.empty() ? key : path_ + "." + key;
}

nlohmann::json* ObjectReader::find(const char* key) const {
  const auto field = object_.find(key);
  return field == object_.end() || field->is_null() ? nullptr : &*field;
}

std::optional<bool> ObjectReader::boolean(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) reject(path_of(key), *value, "true or false");
  return value->get<bool>();
}

std::optional<double> ObjectReader::number(const char* key, const NumberRange& range) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) reject(path_of(key), *value, allowed_numbers(range));
  const auto number = value->get<double>();
  const bool above_min = range.min_excluded ? number > range.min : number >= range.min;
  if (!above_min || number > range.max) reject(path_of(key), *value, allowed_numbers(range));
  return number;
}

std::optional<int64_t> ObjectReader::integer(const char* key, int64_t min, int64_t max) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::optional<int64_t> number = whole_number(*value);
  if (!number || *number < min || *number > max) {
    reject(path_of(key), *value, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return number;
}

std::optional<std::string> ObjectReader::string(const char* key) const {
  nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) reject(path_of(key), *value, "a string");
  return std::move(value->get_ref<std::string&>());
}

}  // namespace spyhop
