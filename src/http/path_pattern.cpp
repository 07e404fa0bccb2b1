#include "http/path_pattern.h"

namespace spyhop {
namespace {

/// "/a/{b}/c/{d}" is "/a/", "/c/", "".
std::vector<std::string> literals_of(const std::string& pattern) {
  std::vector<std::string> literals;
  size_t begin = 0;
  for (size_t open = pattern.find('{'); open != std::string::npos; open = pattern.find('{', begin)) {
    literals.push_back(pattern.substr(begin, open - begin));
    begin = pattern.find('}', open) + 1;
  }
  literals.push_back(pattern.substr(begin));
  return literals;
}

}  // namespace

std::optional<std::vector<std::string>> match_path(const std::string& pattern, const std::string& path) {
  const std::vector<std::string> literals = literals_of(pattern);
  if (path.compare(0, literals.front().size(), literals.front()) != 0) return std::nullopt;
  size_t begin = literals.front().size();
  std::vector<std::string> values;
  if (literals.size() == 1 && begin != path.size()) return std::nullopt;
  for (size_t i = 1; i < literals.size(); ++i) {
    const bool is_last = i + 1 == literals.size();
    const size_t end = literals[i].empty() ? path.size() : path.rfind(literals[i]);
    if (end == std::string::npos || end <= begin) return std::nullopt;
    if (is_last && end + literals[i].size() != path.size()) return std::nullopt;
    values.push_back(path.substr(begin, end - begin));
    begin = end + literals[i].size();
  }
  return values;
}

}  // namespace spyhop
