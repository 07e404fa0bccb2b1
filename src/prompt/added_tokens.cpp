#include "prompt/added_tokens.h"

namespace spyhop {

AddedTokenMatcher::AddedTokenMatcher(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) add(token);
}

int32_t AddedTokenMatcher::child(int32_t node, char byte) const {
  int32_t at = nodes_[static_cast<size_t>(node)].first_child;
  while (at >= 0 && nodes_[static_cast<size_t>(at)].byte != byte) at = nodes_[static_cast<size_t>(at)].next_sibling;
  return at;
}

void AddedTokenMatcher::add(const AddedToken& token) {
  int32_t node = 0;
  for (const char byte : token.content) {
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      Node& parent = nodes_[static_cast<size_t>(node)];
      const int32_t sibling = parent.first_child;
      parent.first_child = next;
      nodes_.push_back({byte, -1, -1, sibling});
    }
    node = next;
  }
  nodes_[static_cast<size_t>(node)].id = token.id;
  begins_token_[static_cast<uint8_t>(token.content[0])] = true;
}

AddedTokenMatcher::Match AddedTokenMatcher::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!begins_token_[static_cast<uint8_t>(text[begin])]) continue;
    Match match;
    int32_t node = 0;
    for (size_t i = begin; i < text.size(); ++i) {
      node = child(node, text[i]);
      if (node < 0) break;
      const int32_t id = nodes_[static_cast<size_t>(node)].id;
      if (id >= 0) match = {begin, i - begin + 1, id};
    }
    if (match.id >= 0) return match;
  }
  return {};
}

}  // namespace spyhop
