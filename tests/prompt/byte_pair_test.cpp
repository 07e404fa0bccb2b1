#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "prompt/byte_pair_merger.h"
#include "prompt/ordered_bpe.h"
#include "prompt/token_trie.h"

namespace spyhop {
namespace {

using Ids = std::vector<int32_t>;

/// The rule, spelled out: merge the leftmost pair of the lowest rank until none is left.
Ids merge_plainly(const std::vector<Merge>& merges, Ids ids) {
  for (;;) {
    size_t best = merges.size(), at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = 0; rank < best; ++rank) {
        if (merges[rank].left == ids[i] && merges[rank].right == ids[i + 1]) {
          best = rank;
          at = i;
        }
      }
    }
    if (best == merges.size()) return ids;
    ids[at] = merges[best].merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

/// A vocabulary over the letters a, b and c.
struct SmallVocab {
  std::vector<std::string> tokens{"a", "b", "c"};  // by id
  std::vector<Merge> merges;

  Ids letters(const std::string& text) const {
    Ids ids;
    for (const char c : text) ids.push_back(c - 'a');
    return ids;
  }

  /// Those that their own letters merge to.
  std::vector<TokenTrie::Entry> whole_tokens() const {
    std::vector<TokenTrie::Entry> entries;
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (merge_plainly(merges, letters(tokens[id])) == Ids{static_cast<int32_t>(id)}) {
        entries.push_back({tokens[id], static_cast<int32_t>(id)});
      }
    }
    return entries;
  }
};

SmallVocab random_vocab(std::mt19937& random) {
  SmallVocab vocab;
  const size_t num_tokens = 4 + random() % 12;
  while (vocab.tokens.size() < num_tokens) {
    const auto left = static_cast<int32_t>(random() % vocab.tokens.size());
    const auto right = static_cast<int32_t>(random() % vocab.tokens.size());
    const std::string merged = vocab.tokens[static_cast<size_t>(left)] + vocab.tokens[static_cast<size_t>(right)];
    if (std::find(vocab.tokens.begin(), vocab.tokens.end(), merged) != vocab.tokens.end()) continue;
    vocab.merges.push_back({left, right, static_cast<int32_t>(vocab.tokens.size())});
    vocab.tokens.push_back(merged);
  }
  return vocab;
}

std::string random_text(std::mt19937& random, size_t max_size) {
  std::string text(1 + random() % max_size, 'a');
  const size_t num_letters = 1 + random() % 3;
  for (char& c : text) c = static_cast<char>('a' + random() % num_letters);
  return text;
}

TEST(byte_pair, MergingAndMatchingBothFollowTheRule) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const SmallVocab vocab = random_vocab(random);
    ASSERT_TRUE(has_ordered_merges(vocab.merges));
    const MergeTable table(vocab.merges);
    BytePairMerger merger(table);
    const OrderedBpe ordered(vocab.merges, table, vocab.whole_tokens());
    OrderedBpe::Scratch scratch;
    for (int i = 0; i < 60; ++i) {
      // Past a hundred tokens, merging goes by a queue.
      const std::string text = random_text(random, i % 10 == 0 ? 250 : 30);
      const Ids expected = merge_plainly(vocab.merges, vocab.letters(text));
      Ids merged = vocab.letters(text);
      merged.resize(static_cast<size_t>(merger.merge(merged.data(), merged.data() + merged.size()) - merged.data()));
      ASSERT_EQ(merged, expected) << text;
      Ids matched(text.size());
      int32_t* const end = ordered.encode(text, matched.data(), scratch);
      ASSERT_NE(end, nullptr);
      matched.resize(static_cast<size_t>(end - matched.data()));
      ASSERT_EQ(matched, expected) << text;
    }
  }
}

TEST(byte_pair, APieceWithAByteThatHasNoTokenIsNotMatched) {
  const SmallVocab vocab;
  const MergeTable table(vocab.merges);
  const OrderedBpe ordered(vocab.merges, table, vocab.whole_tokens());
  OrderedBpe::Scratch scratch;
  Ids ids(3);
  EXPECT_EQ(ordered.encode("abz", ids.data(), scratch), nullptr);
}

TEST(byte_pair, MergesAreOrderedWhenEachYieldsATokenOfItsOwnAfterItsHalves) {
  EXPECT_TRUE(has_ordered_merges({}));
  EXPECT_TRUE(has_ordered_merges({{0, 1, 3}, {3, 1, 4}}));
  EXPECT_FALSE(has_ordered_merges({{3, 1, 4}, {0, 1, 3}}));
  EXPECT_FALSE(has_ordered_merges({{0, 1, 3}, {3, 1, 4}, {0, 2, 4}}));
}

TEST(byte_pair, TheTableKnowsWhenAPairIsNamedTwice) {
  EXPECT_TRUE(MergeTable({{0, 1, 3}, {1, 0, 4}}).has_distinct_pairs());
  EXPECT_FALSE(MergeTable({{0, 1, 3}, {0, 1, 4}}).has_distinct_pairs());
  EXPECT_EQ(MergeTable({{0, 1, 3}}).rank(1, 0), MergeTable::kNoMerge);
  EXPECT_EQ(MergeTable().rank(0, 0), MergeTable::kNoMerge);
}

TEST(byte_pair, TheTrieFindsTheLongestPrefix) {
  const TokenTrie trie({{"a", 1}, {"abc", 2}, {"abcde", 3}, {std::string("\xff\0", 2), 4}});
  EXPECT_EQ(trie.longest_prefix(""), -1);
  EXPECT_EQ(trie.longest_prefix("b"), -1);
  EXPECT_EQ(trie.longest_prefix("ab"), 1);
  EXPECT_EQ(trie.longest_prefix("abcd"), 2);
  EXPECT_EQ(trie.longest_prefix("abcdef"), 3);
  EXPECT_EQ(trie.longest_prefix(std::string("\xff\0x", 3)), 4);
  EXPECT_EQ(TokenTrie({}).longest_prefix("a"), -1);
}

}  // namespace
}  // namespace spyhop
