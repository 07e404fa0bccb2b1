#include "cli/text_table.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace spyhop {
namespace {

/// Characters of UTF-8 text, as wide as they are on most terminals.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string shown(const std::string& cell) {
  return cell.empty() ? "-" : cell;
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = shown(cells[i]);
    line += cell;
    if (i + 1 < cells.size()) line += std::string(widths[i] - width_of(cell) + 2, ' ');
  }
  return line + "\n";
}

}  // namespace

std::string text_table(const std::vector<std::string>& headers, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < headers.size(); ++i) {
    widths.push_back(width_of(headers[i]));
    for (const auto& row : rows) widths[i] = std::max(widths[i], width_of(shown(row[i])));
  }
  std::string text = line_of(headers, widths);
  for (const auto& row : rows) text += line_of(row, widths);
  return text;
}

std::string joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string all;
  for (size_t i = 0; i < texts.size(); ++i) all += (i == 0 ? "" : between) + texts[i];
  return all;
}

void print_result(bool as_json, const nlohmann::ordered_json& json, const std::string& text) {
  // A file may say things that are no UTF-8.
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  std::fputs(as_json ? (json.dump(2, ' ', false, replace) + "\n").c_str() : text.c_str(), stdout);
}

}  // namespace spyhop
