// Two JSON schemas that hold at the same time.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace spyhop {

/// Whether a keyword says nothing about what is valid: "title", "description", "default", ...
bool is_annotation(const std::string& keyword);

/// One schema for what both hold to, where that is possible keyword by keyword; what it cannot settle becomes an "allOf" of it,
/// further down. `path`: where it stands, for errors.
/// Throws Error{kInvalidRequest} naming path and keyword where the two cannot be merged.
nlohmann::ordered_json merge_schemas(const nlohmann::ordered_json& first, const nlohmann::ordered_json& second,
                                     const std::string& path);

}  // namespace spyhop
