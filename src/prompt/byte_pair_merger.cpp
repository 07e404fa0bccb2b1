#include "prompt/byte_pair_merger.h"

#include <algorithm>
#include <cstddef>
#include <functional>

namespace spyhop {
namespace {

constexpr std::ptrdiff_t kMaxShort = 96;  // tokens; up to here scanning for the lowest rank beats a queue

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges) {
  size_t num_slots = 2;
  shift_ = 63;
  while (num_slots < 2 * merges.size()) {
    num_slots *= 2;
    --shift_;
  }
  mask_ = num_slots - 1;
  slots_.assign(num_slots, kEmpty);
  merged_.reserve(merges.size());
  for (const Merge& merge : merges) {
    const uint64_t key = key_of(merge.left, merge.right);
    uint64_t i = slot_of(key);
    while (slots_[i] != kEmpty && slots_[i] >> kIdBits != key) i = (i + 1) & mask_;
    if (slots_[i] != kEmpty) has_distinct_pairs_ = false;
    slots_[i] = key << kIdBits | merged_.size();
    merged_.push_back(merge.merged);
  }
}

int32_t* BytePairMerger::merge(int32_t* begin, int32_t* end) {
  if (end - begin < 2) return end;
  return end - begin <= kMaxShort ? merge_short(begin, end) : merge_long(begin, end);
}

int32_t* BytePairMerger::merge_short(int32_t* begin, int32_t* end) {
  uint32_t ranks[kMaxShort];  // of the pairs (i, i + 1)
  std::ptrdiff_t last = end - begin - 1;
  for (std::ptrdiff_t i = 0; i < last; ++i) ranks[i] = table_.rank(begin[i], begin[i + 1]);
  while (last > 0) {
    const std::ptrdiff_t at = std::min_element(ranks, ranks + last) - ranks;
    if (ranks[at] == MergeTable::kNoMerge) break;
    begin[at] = table_.merged(ranks[at]);
    std::copy(begin + at + 2, begin + last + 1, begin + at + 1);
    std::copy(ranks + at + 1, ranks + last, ranks + at);
    --last;
    if (at > 0) ranks[at - 1] = table_.rank(begin[at - 1], begin[at]);
    if (at < last) ranks[at] = table_.rank(begin[at], begin[at + 1]);
  }
  return begin + last + 1;
}

int32_t* BytePairMerger::merge_long(int32_t* begin, int32_t* end) {
  const auto size = static_cast<uint32_t>(end - begin);
  ranks_.assign(size, MergeTable::kNoMerge);
  next_.resize(size);
  previous_.resize(size);
  queue_.clear();
  const auto enqueue = [this](uint32_t position) {
    if (ranks_[position] != MergeTable::kNoMerge) queue_.push_back(uint64_t{ranks_[position]} << 32 | position);
  };
  for (uint32_t i = 0; i < size; ++i) {
    next_[i] = i + 1;
    previous_[i] = i - 1;
    if (i + 1 < size) ranks_[i] = table_.rank(begin[i], begin[i + 1]);
    enqueue(i);
  }
  const std::greater<uint64_t> lowest_first;
  std::make_heap(queue_.begin(), queue_.end(), lowest_first);
  const auto update = [&](uint32_t position) {
    const uint32_t after = next_[position];
    ranks_[position] = after < size ? table_.rank(begin[position], begin[after]) : MergeTable::kNoMerge;
    if (ranks_[position] == MergeTable::kNoMerge) return;
    enqueue(position);
    std::push_heap(queue_.begin(), queue_.end(), lowest_first);
  };
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), lowest_first);
    const auto rank = static_cast<uint32_t>(queue_.back() >> 32);
    const auto at = static_cast<uint32_t>(queue_.back());
    queue_.pop_back();
    if (ranks_[at] != rank) continue;
    const uint32_t gone = next_[at];
    begin[at] = table_.merged(rank);
    ranks_[gone] = MergeTable::kNoMerge;
    next_[at] = next_[gone];
    if (next_[at] < size) previous_[next_[at]] = at;
    update(at);
    if (at > 0) update(previous_[at]);
  }
  int32_t* out = begin;
  for (uint32_t i = 0; i < size; i = next_[i]) *out++ = begin[i];
  return out;
}

}  // namespace spyhop
