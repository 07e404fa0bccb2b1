// Paths of routes with parts that a request fills in.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace spyhop {

/// What stands in `path` for the names in braces of `pattern`, such as "/v1/models/{model_uid}/progress", in their order;
/// nothing when it does not match. A part is never empty and may contain slashes: of several ways to match, the first parts are
/// longest.
std::optional<std::vector<std::string>> match_path(const std::string& pattern, const std::string& path);

}  // namespace spyhop
