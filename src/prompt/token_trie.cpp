#include "prompt/token_trie.h"

#include <algorithm>
#include <cstring>

namespace spyhop {
namespace {

/// The entries below a node: those of a sorted list that share their first `depth` bytes.
struct Range {
  size_t begin;
  size_t end;
  size_t depth;
};

}  // namespace

TokenTrie::TokenTrie(std::vector<Entry> entries) : nodes_of_pairs_(size_t{1} << 16) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.bytes < b.bytes; });
  std::vector<Range> ranges{{0, entries.size(), 0}};  // by node
  nodes_.emplace_back();
  bytes_.push_back(0);
  for (size_t node = 0; node < nodes_.size(); ++node) {
    Range range = ranges[node];
    if (range.begin < range.end && entries[range.begin].bytes.size() == range.depth) {
      nodes_[node].id = entries[range.begin++].id;
    }
    nodes_[node].first_child = static_cast<uint32_t>(nodes_.size());
    while (range.begin < range.end) {
      const char byte = entries[range.begin].bytes[range.depth];
      size_t end = range.begin;
      while (end < range.end && entries[end].bytes[range.depth] == byte) ++end;
      ranges.push_back({range.begin, end, range.depth + 1});
      nodes_.emplace_back();
      bytes_.push_back(byte);
      range.begin = end;
    }
    nodes_[node].num_children = static_cast<uint32_t>(nodes_.size()) - nodes_[node].first_child;
  }
  for (int first = 0; first < 256; ++first) {
    const uint32_t node = child(0, static_cast<char>(first));
    nodes_of_bytes_[static_cast<size_t>(first)] = node;
    for (int second = 0; node != 0 && second < 256; ++second) {
      nodes_of_pairs_[static_cast<size_t>(first << 8 | second)] = child(node, static_cast<char>(second));
    }
  }
}

uint32_t TokenTrie::child(uint32_t node, char byte) const {
  const Node& parent = nodes_[node];
  if (parent.num_children == 0) return 0;
  const char* const begin = bytes_.data() + parent.first_child;
  const void* const found = std::memchr(begin, byte, parent.num_children);
  return found == nullptr ? 0 : parent.first_child + static_cast<uint32_t>(static_cast<const char*>(found) - begin);
}

int32_t TokenTrie::longest_prefix(std::string_view text) const {
  if (text.empty()) return -1;
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  int32_t longest = nodes_[nodes_of_bytes_[byte(0)]].id;
  if (text.size() == 1) return longest;
  uint32_t node = nodes_of_pairs_[static_cast<size_t>(byte(0) << 8 | byte(1))];
  for (size_t depth = 2; node != 0; ++depth) {
    if (nodes_[node].id >= 0) longest = nodes_[node].id;
    if (depth == text.size()) break;
    node = child(node, text[depth]);
  }
  return longest;
}

}  // namespace spyhop
