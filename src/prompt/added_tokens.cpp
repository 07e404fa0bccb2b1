#include "prompt/added_tokens.h"

#include <algorithm>
#include <iterator>

#include "prompt/special_tokens.h"

namespace spyhop {
namespace {

template <class Predicate>
AddedTokenMatcher matcher_of(const std::vector<AddedToken>& tokens, const Predicate& is_wanted) {
  std::vector<AddedToken> wanted;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(wanted), is_wanted);
  return AddedTokenMatcher(wanted);
}

}  // namespace

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

AddedTokenRounds::AddedTokenRounds(const std::vector<AddedToken>& tokens) {
  all_.push_back(matcher_of(tokens, [](const AddedToken& token) { return !token.normalized; }));
  all_.push_back(matcher_of(tokens, [](const AddedToken& token) { return token.normalized; }));
  grounding_.push_back(matcher_of(tokens, [](const AddedToken& token) { return is_grounding_token(token.content); }));
}

const std::vector<AddedTokenMatcher>& AddedTokenRounds::of(SpecialTokens special) const {
  if (special == SpecialTokens::kAll) return all_;
  return special == SpecialTokens::kGrounding ? grounding_ : none_;
}

}  // namespace spyhop
