#include "common/json_fields.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxTextBytes = 4096;

/// Follows a parser: keys of the open objects, depth, number of values.
class ParseGuard {
 public:
  ParseGuard(const std::string& name, ErrorCode code, const JsonDocumentLimits& limits)
      : name_(name), code_(code), limits_(limits) {}

  void see(json::parse_event_t event, const json& parsed) {
    using Event = json::parse_event_t;
    if (event == Event::key) return see_key(parsed.get_ref<const std::string&>());
    if (event == Event::object_start || event == Event::array_start) return open();
    if (event == Event::object_end || event == Event::array_end) keys_.pop_back();
    if (++num_values_ > limits_.max_values) {
      throw Error(code_, name_ + ": more than " + std::to_string(limits_.max_values) + " values");
    }
  }

 private:
  void open() {
    keys_.emplace_back();
    if (keys_.size() > limits_.max_depth) {
      throw Error(code_, name_ + ": nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
  }

  void see_key(const std::string& key) {
    if (!keys_.back().insert(key).second)
      throw Error(code_, name_ + ": key " + in_quotes(key) + " appears twice in one object");
  }

  const std::string& name_;
  ErrorCode code_;
  JsonDocumentLimits limits_;
  std::vector<std::set<std::string>> keys_;
  size_t num_values_ = 0;
};

/// The parser's own words without its error number; the token that it quotes can be as long as the file.
std::string parser_message(const json::exception& e) {
  std::string_view text = e.what();
  const size_t close = text.find("] ");
  if (close != std::string_view::npos) text.remove_prefix(close + 2);
  std::string shown = in_quotes(text, 200);
  return shown;
}

std::string number_text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.10g", value);
  return buffer;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + in_quotes(text);
  return all;
}

std::string range_text(IntRange allowed) {
  return "a whole number from " + std::to_string(allowed.min) + " to " + std::to_string(allowed.max);
}

bool is_int_in(const json& value, IntRange allowed) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT32_MAX)) return false;
  const int64_t number = value.get<int64_t>();
  return number >= allowed.min && number <= allowed.max;
}

const json& empty_object() {
  static const json object = json::object();
  return object;
}

}  // namespace

json parse_json(std::string_view text, const std::string& name, ErrorCode code, const JsonDocumentLimits& limits) {
  ParseGuard guard(name, code, limits);
  try {
    return json::parse(text.begin(), text.end(), [&guard](int, json::parse_event_t event, const json& parsed) {
      guard.see(event, parsed);
      return true;
    });
  } catch (const json::exception& e) {
    throw Error(code, name + ": not valid JSON: " + parser_message(e));
  }
}

std::string describe_json(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return value.dump();
}

JsonFields::JsonFields(const json& object, std::string file, std::string path, ProblemList& problems)
    : object_(&object), file_(std::move(file)), path_(std::move(path)), problems_(&problems) {
  if (object.is_object()) return;
  problems_->add(file_ + (path_.empty() ? "" : ": " + path_) + ": " + describe_json(object) + "; allowed: an object");
  object_ = &empty_object();
}

std::string JsonFields::place(const std::string& key) const {
  const std::string shown = key.size() <= 64 ? key : in_quotes(key, 64);
  return file_ + ": " + (path_.empty() ? "" : path_ + ".") + shown;
}

bool JsonFields::has(const std::string& key) const {
  return object_->contains(key);
}

const json* JsonFields::find(const std::string& key) {
  const auto found = object_->find(key);
  if (found == object_->end()) {
    values_.emplace(key, "");
    return nullptr;
  }
  values_[key] = describe_json(*found);
  return &*found;
}

void JsonFields::report(const std::string& key, const std::string& allowed) {
  if (!reported_.insert(key).second) return;
  const auto value = values_.find(key);
  const bool known = value != values_.end() && !value->second.empty();
  problems_->add(place(key) + (known ? " = " + value->second : " is missing") + "; allowed: " + allowed);
}

const json* JsonFields::read(const std::string& key, bool has_fallback, const std::string& allowed) {
  const json* value = find(key);
  if (value == nullptr && !has_fallback) report(key, allowed);
  return value;
}

int JsonFields::integer(const std::string& key, IntRange allowed, std::optional<int> fallback) {
  const json* value = read(key, fallback.has_value(), range_text(allowed));
  if (value != nullptr && is_int_in(*value, allowed)) return value->get<int>();
  if (value != nullptr) report(key, range_text(allowed));
  if (value == nullptr && fallback) values_[key] = std::to_string(*fallback) + " (the default)";
  return fallback.value_or(allowed.min);
}

std::optional<int> JsonFields::integer_or_null(const std::string& key, IntRange allowed, std::optional<int> fallback) {
  const json* value = find(key);
  if (value == nullptr) {
    values_[key] = (fallback ? std::to_string(*fallback) : "null") + " (the default)";
    return fallback;
  }
  if (value->is_null()) return std::nullopt;
  if (is_int_in(*value, allowed)) return value->get<int>();
  report(key, range_text(allowed) + ", or null");
  return fallback;
}

double JsonFields::number(const std::string& key, RealRange allowed, std::optional<double> fallback) {
  const std::string words = "a number from " + number_text(allowed.min) + " to " + number_text(allowed.max);
  const json* value = read(key, fallback.has_value(), words);
  if (value != nullptr && value->is_number()) {
    const double number = value->get<double>();
    if (number >= allowed.min && number <= allowed.max) return number;
  }
  if (value != nullptr) report(key, words);
  if (value == nullptr && fallback) values_[key] = number_text(*fallback) + " (the default)";
  return fallback.value_or(allowed.min);
}

bool JsonFields::boolean(const std::string& key, std::optional<bool> fallback) {
  const json* value = read(key, fallback.has_value(), "true or false");
  if (value != nullptr && value->is_boolean()) return value->get<bool>();
  if (value != nullptr) report(key, "true or false");
  if (value == nullptr && fallback) values_[key] = std::string(*fallback ? "true" : "false") + " (the default)";
  return fallback.value_or(false);
}

std::string JsonFields::text(const std::string& key, std::optional<std::string> fallback) {
  const std::string words = "a string of 1 to " + std::to_string(kMaxTextBytes) + " bytes";
  const json* value = read(key, fallback.has_value(), words);
  if (value != nullptr && value->is_string()) {
    const std::string& found = value->get_ref<const std::string&>();
    if (!found.empty() && found.size() <= kMaxTextBytes) return found;
  }
  if (value != nullptr) report(key, words);
  if (value == nullptr && fallback) values_[key] = in_quotes(*fallback) + " (the default)";
  return fallback.value_or("");
}

std::string JsonFields::one_of(const std::string& key, const std::vector<std::string>& allowed,
                               std::optional<std::string> fallback) {
  const json* value = read(key, fallback.has_value(), joined(allowed));
  if (value == nullptr && fallback) values_[key] = in_quotes(*fallback) + " (the default)";
  std::string found = fallback.value_or("");
  if (value != nullptr) found = value->is_string() ? value->get<std::string>() : "";
  for (const std::string& candidate : allowed) {
    if (found == candidate) return found;
  }
  report(key, joined(allowed));
  return allowed.front();
}

std::vector<std::string> JsonFields::texts(const std::string& key) {
  const std::string words = "an array of strings, not empty";
  const json* value = read(key, false, words);
  std::vector<std::string> found;
  if (value == nullptr) return found;
  if (!value->is_array() || value->empty()) {
    report(key, words);
    return found;
  }
  for (const json& entry : *value) {
    if (entry.is_string() && !entry.get_ref<const std::string&>().empty()) {
      found.push_back(entry.get<std::string>());
    } else {
      report(key, words);
    }
  }
  return found;
}

JsonFields JsonFields::object(const std::string& key, bool required) {
  const json* value = read(key, !required, "an object");
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (value != nullptr && !value->is_object()) report(key, "an object");
  return {value != nullptr && value->is_object() ? *value : empty_object(), file_, path, *problems_};
}

std::vector<JsonFields> JsonFields::objects(const std::string& key) {
  const std::string words = "an array of objects, not empty";
  const json* value = read(key, false, words);
  std::vector<JsonFields> found;
  if (value == nullptr) return found;
  if (!value->is_array() || value->empty()) {
    report(key, words);
    return found;
  }
  for (size_t i = 0; i < value->size(); ++i) {
    const std::string path = (path_.empty() ? key : path_ + "." + key) + "[" + std::to_string(i) + "]";
    found.emplace_back((*value)[i], file_, path, *problems_);
  }
  return found;
}

void JsonFields::report_unknown_keys() {
  std::vector<std::string> known;
  for (const auto& entry : values_) known.push_back(entry.first);
  for (const auto& entry : object_->items()) {
    if (values_.count(entry.key()) == 0) problems_->add(place(entry.key()) + " is unknown; allowed: " + joined(known));
  }
}

}  // namespace spyhop
