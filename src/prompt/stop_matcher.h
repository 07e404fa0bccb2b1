// Stop strings in a text that arrives in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// Gives text on as soon as it cannot be the beginning of a stop string, wherever the pieces are cut.
class StopMatcher {
 public:
  /// `stops`: non-empty strings; none at all passes everything through.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Text that may be shown now. After a match nothing more comes, and the stop string itself never does.
  /// When several stops match, the one that begins first wins.
  std::string push(std::string_view text);

  /// What was held back, at the end of a text in which no stop matched.
  std::string finish();

  bool matched() const { return matched_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool matched_ = false;
};

}  // namespace spyhop
