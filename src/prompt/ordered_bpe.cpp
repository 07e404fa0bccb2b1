#include "prompt/ordered_bpe.h"

#include <algorithm>

namespace spyhop {

bool has_ordered_merges(const std::vector<Merge>& merges) {
  int32_t highest = -1;
  for (const Merge& merge : merges) highest = std::max({highest, merge.left, merge.right, merge.merged});
  std::vector<bool> is_yielded(static_cast<size_t>(highest) + 1), is_used(static_cast<size_t>(highest) + 1);
  for (const Merge& merge : merges) {
    is_used[static_cast<size_t>(merge.left)] = true;
    is_used[static_cast<size_t>(merge.right)] = true;
    const auto merged = static_cast<size_t>(merge.merged);
    if (is_yielded[merged] || is_used[merged]) return false;
    is_yielded[merged] = true;
  }
  return true;
}

OrderedBpe::OrderedBpe(const std::vector<Merge>& merges, const MergeTable& table, const std::vector<TokenTrie::Entry>& tokens)
    : table_(table), trie_(tokens) {
  for (const TokenTrie::Entry& entry : tokens) {
    if (static_cast<size_t>(entry.id) >= tokens_.size()) tokens_.resize(static_cast<size_t>(entry.id) + 1);
    Token& token = tokens_[static_cast<size_t>(entry.id)];
    token.size = static_cast<uint32_t>(entry.bytes.size());
    token.shorter = trie_.longest_prefix(std::string_view(entry.bytes).substr(0, entry.bytes.size() - 1));
  }
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    if (static_cast<size_t>(merge.merged) >= tokens_.size()) continue;
    Token& token = tokens_[static_cast<size_t>(merge.merged)];
    token.left = merge.left;
    token.right = merge.right;
    token.created = static_cast<int32_t>(rank);
  }
}

/// Takes both tokens apart again, the last merge first. At each moment two of their parts touch at the border; had their merge
/// been the next one then, it would have been made. Of equal merges the left one goes first.
bool OrderedBpe::can_stand_together(int32_t left, int32_t right) const {
  uint32_t limit = MergeTable::kNoMerge;  // merges across the border below this come before the one undone last
  for (;;) {
    if (table_.rank(left, right) < limit) return false;
    const Token& left_token = token(left);
    const Token& right_token = token(right);
    if (left_token.created > right_token.created) {
      limit = static_cast<uint32_t>(left_token.created);
      left = left_token.right;
    } else {
      if (right_token.created < 0) return true;
      limit = static_cast<uint32_t>(right_token.created) + 1;
      right = right_token.left;
    }
  }
}

int32_t* OrderedBpe::encode(std::string_view piece, int32_t* out, Scratch& scratch) const {
  scratch.is_dead.assign(piece.size() + 1, false);
  int32_t* end = out;
  size_t position = 0;
  int32_t candidate = trie_.longest_prefix(piece);
  while (position < piece.size()) {
    const auto fits = [&](int32_t id) {
      return !scratch.is_dead[position + token(id).size] && (end == out || can_stand_together(end[-1], id));
    };
    while (candidate >= 0 && !fits(candidate)) candidate = token(candidate).shorter;
    if (candidate >= 0) {
      *end++ = candidate;
      position += token(candidate).size;
      candidate = trie_.longest_prefix(piece.substr(position));
      continue;
    }
    if (end == out) return nullptr;
    scratch.is_dead[position] = true;
    candidate = *--end;
    position -= token(candidate).size;
    candidate = token(candidate).shorter;
  }
  return end;
}

}  // namespace spyhop
