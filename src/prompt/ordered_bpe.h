// Byte-pair encoding by longest match, for vocabularies whose merges are in order.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "prompt/byte_pair_merger.h"
#include "prompt/token_trie.h"

namespace spyhop {

/// True when every merge yields a token of its own, and comes after the merges that yield its halves. Merging then never goes
/// back to a lower rank, so the order of merges can be read off the ranks alone.
bool has_ordered_merges(const std::vector<Merge>& merges);

/// The tokens that merging would give, found without merging: a sequence of tokens is the encoding of its text exactly when
/// no two neighbours in it would have merged across their border. Takes the longest token that fits its neighbour, and goes
/// back where none does; each place in a text is given up at most once, so time is linear.
class OrderedBpe {
 public:
  /// `merges` must be ordered. `tokens`: those whose own bytes encode to just that token, each byte among them.
  OrderedBpe(const std::vector<Merge>& merges, const MergeTable& table, const std::vector<TokenTrie::Entry>& tokens);

  /// Memory for one thread's calls.
  struct Scratch {
    std::vector<bool> is_dead;  // by position in the piece: no encoding goes through it
  };

  /// Writes the ids of `piece` from `out` on, which must have room for one per byte, and returns their end; null for a piece
  /// with a byte that has no token.
  int32_t* encode(std::string_view piece, int32_t* out, Scratch& scratch) const;

 private:
  struct Token {
    int32_t left = -1;
    int32_t right = -1;
    int32_t created = -1;  // rank of the merge that yields it; -1: a byte
    int32_t shorter = -1;  // the longest token that it begins with
    uint32_t size = 0;     // bytes
  };

  bool can_stand_together(int32_t left, int32_t right) const;
  const Token& token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }

  const MergeTable& table_;
  TokenTrie trie_;
  std::vector<Token> tokens_;
};

}  // namespace spyhop
