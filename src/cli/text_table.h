// What commands print: tables for people, JSON for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace spyhop {

/// Columns as wide as their widest cell, two spaces between them, none at the end of a line; each row as long as `headers`.
/// An empty cell is shown as "-".
std::string text_table(const std::vector<std::string>& headers, const std::vector<std::vector<std::string>>& rows);

/// "a, b, c".
std::string joined(const std::vector<std::string>& texts, const std::string& between = ", ");

/// Prints the one or the other to stdout.
void print_result(bool as_json, const nlohmann::ordered_json& json, const std::string& text);

}  // namespace spyhop
