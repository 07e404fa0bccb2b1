// Tokens that are cut out of a text before it is pre-tokenized.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/tokenizer.h"

namespace spyhop {

/// A token of tokenizer.json's "added_tokens", or one that the VL2 processor adds.
struct AddedToken {
  int32_t id = -1;
  std::string content;
  bool normalized = false;  // matched in the second round, on what the first one left
  bool special = true;      // dropped by skip_special_tokens
};

/// Finds added tokens in a text: the leftmost first, the longest of those that begin together.
/// Thread safety: immutable after construction.
class AddedTokenMatcher {
 public:
  /// Longest token, in bytes: it bounds the work per byte of a text.
  static constexpr size_t kMaxTokenBytes = 1024;

  struct Match {
    size_t begin = std::string_view::npos;  // npos: there is none
    size_t size = 0;
    int32_t id = -1;
  };

  explicit AddedTokenMatcher(const std::vector<AddedToken>& tokens);

  /// The first match in `text` that begins at `from` or later.
  Match find(std::string_view text, size_t from) const;

 private:
  // A trie whose nodes list their children from the first on, each with the next of the same parent.
  struct Node {
    char byte = 0;
    int32_t id = -1;
    int32_t first_child = -1;
    int32_t next_sibling = -1;
  };

  int32_t child(int32_t node, char byte) const;
  void add(const AddedToken& token);

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::array<bool, 256> begins_token_{};
};

/// The rounds of matching under each policy: every round works on what the one before left.
/// Thread safety: immutable after construction.
class AddedTokenRounds {
 public:
  explicit AddedTokenRounds(const std::vector<AddedToken>& tokens);

  const std::vector<AddedTokenMatcher>& of(SpecialTokens special) const;

 private:
  std::vector<AddedTokenMatcher> all_;
  std::vector<AddedTokenMatcher> grounding_;
  std::vector<AddedTokenMatcher> none_;
};

/// Calls `on_token(id)` for each added token in `text` and `on_text(part)` for each part between them that is not empty, in
/// order.
template <class OnText, class OnToken>
void split_at_added_tokens(std::string_view text, const AddedTokenMatcher& matcher, const OnText& on_text,
                           const OnToken& on_token) {
  size_t done = 0;
  for (;;) {
    const AddedTokenMatcher::Match match = matcher.find(text, done);
    if (match.id < 0) break;
    if (match.begin > done) on_text(text.substr(done, match.begin - done));
    on_token(match.id);
    done = match.begin + match.size;
  }
  if (done < text.size()) on_text(text.substr(done));
}

}  // namespace spyhop
