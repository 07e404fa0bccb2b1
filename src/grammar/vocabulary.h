// A tokenizer's tokens as grammars see them: bytes.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/char_set.h"

namespace spyhop {

/// A set of token ids, one bit each.
class TokenMask {
 public:
  explicit TokenMask(int32_t num_tokens = 0) : words_((static_cast<size_t>(num_tokens) + 63) / 64) {}

  void set(int32_t id) { words_[word_of(id)] |= bit_of(id); }
  void reset(int32_t id) { words_[word_of(id)] &= ~bit_of(id); }
  bool test(int32_t id) const { return (words_[word_of(id)] & bit_of(id)) != 0; }
  void add(const TokenMask& other);
  int64_t count() const;
  bool empty() const { return count() == 0; }
  /// Bit id % 64 of word id / 64.
  const std::vector<uint64_t>& words() const { return words_; }
  bool operator==(const TokenMask& other) const { return words_ == other.words_; }

 private:
  static size_t word_of(int32_t id) { return static_cast<size_t>(id) / 64; }
  static uint64_t bit_of(int32_t id) { return uint64_t{1} << (id % 64); }

  std::vector<uint64_t> words_;
};

/// The tokens that consist of characters of one set, which may break off inside the last one.
struct LoopTokens {
  TokenMask tokens;
  std::vector<std::pair<int, int32_t>> by_length;  // (characters begun, id) of each, rising
  /// By trie node: characters of the longest token at or below it; kOthers where not all of them are such tokens.
  std::vector<uint16_t> longest;
  static constexpr uint16_t kOthers = 0xFFFF;

  /// Those of at most `length` characters.
  TokenMask up_to(int64_t length) const;
};

/// Thread safety: immutable, but for loop_tokens(), which any thread may call.
class Vocabulary {
 public:
  /// A prefix tree in depth-first order.
  struct TrieNode {
    uint32_t end = 0;    // the first node that is not below this one
    int32_t token = -1;  // whose bytes end here
    uint16_t depth = 0;  // bytes
    uint8_t byte = 0;
  };

  /// tokens[id]: its bytes, at most 65,535; empty ones never match. `num_tokens`: width of the masks, at least tokens.size().
  Vocabulary(const std::vector<std::string_view>& tokens, int32_t num_tokens);

  int32_t num_tokens() const { return num_tokens_; }
  std::string_view bytes(int32_t id) const;
  int max_token_bytes() const { return max_token_bytes_; }

  /// Node 0 is the root.
  const std::vector<TrieNode>& trie() const { return trie_; }

  /// Tokens of the same bytes: the one in the trie, and another.
  const std::vector<std::pair<int32_t, int32_t>>& twins() const { return twins_; }

  /// Made at the first call for a set and kept for some; null where there are too few such tokens to be of use.
  std::shared_ptr<const LoopTokens> loop_tokens(const CharSet& set) const;

  size_t num_bytes() const;

 private:
  void build_trie(const std::vector<int32_t>& sorted);
  std::shared_ptr<const LoopTokens> find_loop_tokens(const CharSet& set) const;

  int32_t num_tokens_;
  int max_token_bytes_ = 0;
  std::vector<uint32_t> offsets_;  // [tokens + 1] in bytes_
  std::string bytes_;
  std::vector<TrieNode> trie_;
  std::vector<std::pair<int32_t, int32_t>> twins_;

  struct KeptLoop {
    CharSet set;
    std::shared_ptr<const LoopTokens> tokens;
  };
  mutable std::mutex mutex_;
  mutable std::list<KeptLoop> kept_loops_;  // the latest first
};

}  // namespace spyhop
