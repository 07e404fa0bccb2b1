// JSON text from a stranger, and to one.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace spyhop {

struct RequestJsonLimits {
  size_t max_depth = 64;        // arrays and objects within each other
  size_t max_values = 200'000;  // all values together: a value of two bytes takes up to a hundred in memory
};

/// Parses `text`, checked against `limits` before anything is allocated for it.
/// Throws Error{kInvalidRequest} on text that is not JSON (NaN, Infinity, numbers beyond a double, invalid UTF-8 and
/// trailing text included) with line and column, and on text over a limit.
nlohmann::json parse_request_json(std::string_view text, const RequestJsonLimits& limits = {});

/// `json` on one line. Never throws: bytes that are not UTF-8 become replacement characters.
std::string to_text(const nlohmann::ordered_json& json);

/// Throws Error{kInvalidRequest}: "`path` is `value`; allowed: `allowed`", with `path` as the error's param.
[[noreturn]] void reject(const std::string& path, const nlohmann::json& value, const std::string& allowed);

}  // namespace spyhop
