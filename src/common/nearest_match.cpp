#include "common/nearest_match.h"

#include <algorithm>
#include <cstddef>

#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxCompared = 256;  // bytes: the work grows with the product of both lengths

std::string lower_case(std::string_view text) {
  std::string lower(text.substr(0, kMaxCompared));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Optimal string alignment distance.
size_t num_edits(const std::string& from, const std::string& to) {
  std::vector<std::vector<size_t>> cost(from.size() + 1, std::vector<size_t>(to.size() + 1));
  for (size_t i = 0; i <= from.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= to.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replace = cost[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[from.size()][to.size()];
}

}  // namespace

std::string nearest_match(std::string_view value, const std::vector<std::string>& candidates) {
  const std::string wanted = lower_case(value);
  std::string nearest;
  size_t fewest = wanted.size() / 2 + 1;
  for (const std::string& candidate : candidates) {
    const size_t edits = num_edits(wanted, lower_case(candidate));
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = candidate;
  }
  return nearest;
}

std::string allowed_text(std::string_view value, const std::vector<std::string>& candidates) {
  std::string text = "allowed: ";
  for (size_t i = 0; i < candidates.size(); ++i) text += (i == 0 ? "" : ", ") + candidates[i];
  const std::string nearest = nearest_match(value, candidates);
  return nearest.empty() || candidates.size() == 1 ? text : text + "; the nearest is " + nearest;
}

std::string match_or_throw(std::string_view value, const std::vector<std::string>& candidates, const std::string& what,
                           const std::string& param) {
  for (const std::string& candidate : candidates) {
    if (candidate.size() == value.size() && lower_case(candidate) == lower_case(value)) return candidate;
  }
  throw Error(ErrorCode::kInvalidRequest,
              "no " + what + " is named " + in_quotes(value) + "; " + allowed_text(value, candidates), param);
}

}  // namespace spyhop
