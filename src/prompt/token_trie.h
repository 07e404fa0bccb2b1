// Longest token that a text begins with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// Prefix tree over the bytes of a vocabulary.
/// Thread safety: immutable after construction.
class TokenTrie {
 public:
  struct Entry {
    std::string bytes;  // not empty, none twice
    int32_t id;
  };

  explicit TokenTrie(std::vector<Entry> entries);

  /// Id of the longest entry at the beginning of `text`; -1 where there is none.
  int32_t longest_prefix(std::string_view text) const;

 private:
  // Breadth first, so that the children of a node lie together. Node 0, the root, is nobody's child: as a child it means none.
  struct Node {
    uint32_t first_child = 0;
    uint32_t num_children = 0;
    int32_t id = -1;
  };

  uint32_t child(uint32_t node, char byte) const;

  std::vector<Node> nodes_;
  std::vector<char> bytes_;               // by node: the byte that leads to it
  std::vector<uint32_t> nodes_of_pairs_;  // by the first two bytes
  std::array<uint32_t, 256> nodes_of_bytes_{};
};

}  // namespace spyhop
