#include "prompt/token_table.h"

#include <cstring>

namespace spyhop {
namespace {

constexpr uint64_t kOddFactor = 0x9E3779B97F4A7C15u;

uint64_t load_word(const char* p, size_t size) {
  uint64_t word = 0;
  std::memcpy(&word, p, size);
  return word;
}

uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * kOddFactor;
  return hash ^ hash >> 32;
}

uint64_t hash_of(std::string_view text) {
  uint64_t hash = text.size() * kOddFactor;
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), p += sizeof(uint64_t))
    hash = mix(hash, load_word(p, sizeof(uint64_t)));
  if (left > 0) hash = mix(hash, load_word(p, left));
  return hash;
}

}  // namespace

TokenTable::TokenTable(size_t num_strings, size_t num_bytes) {
  size_t num_slots = 2;
  while (num_slots < 2 * num_strings) num_slots *= 2;
  slots_.resize(num_slots);
  entries_.reserve(num_strings);
  bytes_.reserve(num_bytes);
}

/// Where the string is, or the empty slot where it would be.
size_t TokenTable::slot_of(std::string_view text, uint64_t hash) const {
  size_t i = hash & (slots_.size() - 1);
  for (;; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.entry == kAbsent) return i;
    if (slot.hash == static_cast<uint32_t>(hash >> 32) && text_of(entries_[static_cast<size_t>(slot.entry)]) == text) return i;
  }
}

bool TokenTable::add(std::string_view text, int32_t id) {
  const uint64_t hash = hash_of(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.entry != kAbsent) return false;
  slot = {static_cast<uint32_t>(hash >> 32), static_cast<int32_t>(entries_.size())};
  entries_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size()), id});
  bytes_.append(text);
  return true;
}

int32_t TokenTable::find(std::string_view text) const {
  const Slot& slot = slots_[slot_of(text, hash_of(text))];
  return slot.entry == kAbsent ? kAbsent : entries_[static_cast<size_t>(slot.entry)].id;
}

}  // namespace spyhop
