// Stop strings in a text that arrives in pieces.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// Gives text on as soon as it cannot be the beginning of a stop string, wherever the pieces are cut. Time is linear in the
/// text, whatever the stops.
class StopMatcher {
 public:
  /// `stops`: non-empty strings; none at all passes everything through.
  /// `include`: the stop string that ends the text is its last part.
  explicit StopMatcher(const std::vector<std::string>& stops, bool include = false);

  /// Text that may be shown now. After a match nothing more comes, and the stop string itself comes only where it is
  /// to be included.
  /// When several stops match, the one that begins first wins: a match is held back while a stop that begins before it may
  /// still be completed.
  std::string push(std::string_view text);

  /// What was held back, at the end of the text; may turn a match that was held back into the final one.
  std::string finish();

  bool matched() const { return matched_; }

  /// The stop string that ended the text; empty before.
  const std::string& stop() const { return stop_; }

 private:
  // Of an Aho-Corasick automaton: a node stands for a beginning of a stop string.
  struct Node {
    std::map<char, int> next;
    int fallback = 0;         // the longest proper suffix that is a node
    size_t depth = 0;         // its length
    size_t longest_stop = 0;  // length of the longest stop that is a suffix; 0: none
  };

  void link_nodes();
  int step(int node, char byte) const;
  std::string take_match();

  std::vector<Node> nodes_ = std::vector<Node>(1);
  int node_ = 0;
  std::string held_;
  std::optional<size_t> match_;  // where in held_ the first stop begins
  size_t match_size_ = 0;        // of that stop
  bool matched_ = false;
  std::string stop_;
  const bool include_;
};

}  // namespace spyhop
