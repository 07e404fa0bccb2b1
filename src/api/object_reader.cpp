#include "api/object_reader.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "api/json_text.h"
#include "api/request_fields.h"
#include "spyhop/error.h"

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

ObjectReader::ObjectReader(nlohmann::json& object, std::string path, const FieldTable* fields)
    : object_(object), path_(std::move(path)), fields_(fields) {}

std::string ObjectReader::path_of(const char* key) const {
  return path_.empty() ? key : path_ + "." + key;
}

nlohmann::json* ObjectReader::find(const char* key) const {
  const RequestField* const declared = fields_ == nullptr ? nullptr : fields_->find(key);
  if (fields_ != nullptr && (declared == nullptr || declared->use != FieldUse::kHonoured)) {
    throw Error(ErrorCode::kInternal, std::string(fields_->endpoint) + " reads the field " + key + ", which its table lacks");
  }
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

std::vector<int32_t> ObjectReader::integers(const char* key, IntegerRange range, size_t max_count) const {
  std::vector<int32_t> numbers;
  const nlohmann::json* value = find(key);
  if (value == nullptr) return numbers;
  if (!value->is_array() || value->size() > max_count) {
    reject(path_of(key), *value, "an array of at most " + std::to_string(max_count) + " whole numbers");
  }
  numbers.reserve(value->size());
  for (size_t i = 0; i < value->size(); ++i) {
    const std::optional<int64_t> number = whole_number((*value)[i]);
    if (!number || *number < range.min || *number > range.max) {
      reject(path_of(key) + "[" + std::to_string(i) + "]", (*value)[i],
             "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max));
    }
    numbers.push_back(static_cast<int32_t>(*number));
  }
  return numbers;
}

std::vector<std::string> ObjectReader::strings(const char* key, size_t max_count, size_t max_bytes) const {
  std::vector<std::string> texts;
  nlohmann::json* value = find(key);
  if (value == nullptr) return texts;
  if (!value->is_array() || value->size() > max_count) {
    reject(path_of(key), *value, "an array of at most " + std::to_string(max_count) + " strings");
  }
  for (size_t i = 0; i < value->size(); ++i) {
    nlohmann::json& each = (*value)[i];
    const auto* text = each.get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || text->size() > max_bytes) {
      reject(path_of(key) + "[" + std::to_string(i) + "]", each, "a string of 1 to " + std::to_string(max_bytes) + " bytes");
    }
    texts.push_back(std::move(each.get_ref<std::string&>()));
  }
  return texts;
}

std::optional<std::string> ObjectReader::string(const char* key) const {
  nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) reject(path_of(key), *value, "a string");
  return std::move(value->get_ref<std::string&>());
}

}  // namespace spyhop
