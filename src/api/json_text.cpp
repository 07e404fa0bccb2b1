#include "api/json_text.h"

#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// The position after the string that starts at the quote `start`, or the end of the text.
size_t skip_string(std::string_view text, size_t start) {
  for (size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return text.size();
}

void check_limits(std::string_view text, const RequestJsonLimits& limits) {
  size_t depth = 0;
  size_t num_values = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        i = skip_string(text, i);
        break;
      case '[':
      case '{':
        ++depth;
        ++num_values;
        break;
      case ']':
      case '}':
        depth -= depth > 0 ? 1 : 0;
        break;
      case ',':
        ++num_values;
        break;
      default:
        break;
    }
    if (depth > limits.max_depth) {
      throw Error(ErrorCode::kInvalidRequest, "the body nests arrays and objects too deeply; allowed: at most " +
                                                  std::to_string(limits.max_depth) + " levels");
    }
    if (num_values > limits.max_values) {
      throw Error(ErrorCode::kTooLarge,
                  "the body holds too many JSON values; allowed: at most " + std::to_string(limits.max_values));
    }
  }
}

/// The parser's message without its library's prefix and without the text it read last, which may be long or not UTF-8.
std::string reason_of(const nlohmann::json::exception& error) {
  std::string reason = error.what();
  const size_t prefix = reason.find("] ");
  if (prefix != std::string::npos) reason.erase(0, prefix + 2);
  const size_t last_read = reason.find("; last read");
  if (last_read != std::string::npos) reason.erase(last_read);
  return reason.substr(0, 200);
}

}  // namespace

nlohmann::json parse_request_json(std::string_view text, const RequestJsonLimits& limits) {
  check_limits(text, limits);
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::kInvalidRequest, "the body is not valid JSON: " + reason_of(e));
  }
}

std::string to_text(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace);
}

void reject(const std::string& path, const nlohmann::json& value, const std::string& allowed) {
  throw Error(ErrorCode::kInvalidRequest, path + " is " + describe_json(value) + "; allowed: " + allowed, path);
}

}  // namespace spyhop
