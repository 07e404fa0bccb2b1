// Byte-pair encoding: merging neighbours by rank.
#pragma once

#include <cstdint>
#include <vector>

namespace spyhop {

/// Two tokens that may become one. Its rank is its place in the list of merges: lower ones go first.
struct Merge {
  int32_t left;
  int32_t right;
  int32_t merged;
};

/// Pair of tokens -> rank, in constant time.
/// Thread safety: immutable after construction.
class MergeTable {
 public:
  static constexpr uint32_t kNoMerge = UINT32_MAX;
  /// Ids and ranks are below this, so that both ids and the rank of a pair fit one word.
  static constexpr int32_t kMaxIds = 1 << 21;

  MergeTable() : MergeTable(std::vector<Merge>{}) {}
  explicit MergeTable(const std::vector<Merge>& merges);

  /// False when the list names a pair twice.
  bool has_distinct_pairs() const { return has_distinct_pairs_; }

  uint32_t rank(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    for (uint64_t i = slot_of(key);; i = (i + 1) & mask_) {
      const uint64_t slot = slots_[i];
      if (slot >> kIdBits == key) return static_cast<uint32_t>(slot & (kMaxIds - 1));
      if (slot == kEmpty) return kNoMerge;
    }
  }

  int32_t merged(uint32_t rank) const { return merged_[rank]; }

 private:
  static constexpr int kIdBits = 21;
  static constexpr uint64_t kEmpty = UINT64_MAX;

  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << kIdBits | static_cast<uint64_t>(right);
  }
  uint64_t slot_of(uint64_t key) const { return key * 0x9E3779B97F4A7C15u >> shift_; }

  std::vector<uint64_t> slots_;  // left, right and rank, kIdBits each
  std::vector<int32_t> merged_;  // by rank
  uint64_t mask_ = 0;
  int shift_ = 0;
  bool has_distinct_pairs_ = true;
};

/// Merges runs of tokens. Holds the memory that long runs need, so one object serves one thread at a time.
class BytePairMerger {
 public:
  explicit BytePairMerger(const MergeTable& table) : table_(table) {}

  /// Merges the tokens in [begin, end) in place, lowest rank first, leftmost on ties; returns the new end.
  /// Time: n log n.
  int32_t* merge(int32_t* begin, int32_t* end);

 private:
  int32_t* merge_short(int32_t* begin, int32_t* end);
  int32_t* merge_long(int32_t* begin, int32_t* end);

  const MergeTable& table_;
  std::vector<uint64_t> queue_;  // rank and position of pairs, lowest first; out-of-date ones among them
  std::vector<uint32_t> ranks_;  // of the pair that begins at a position
  std::vector<uint32_t> next_;   // position of the token after the one at a position
  std::vector<uint32_t> previous_;
};

}  // namespace spyhop
