// Byte string -> token id, for vocabularies of a hundred thousand entries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// Hash table that is filled once. Strings lie in one block of memory.
/// Thread safety: const members may be called from any thread.
class TokenTable {
 public:
  static constexpr int32_t kAbsent = -1;

  TokenTable() = default;
  TokenTable(size_t num_strings, size_t num_bytes);

  /// False, and nothing changes, when the string is there already. At most as many strings as were announced.
  bool add(std::string_view text, int32_t id);

  /// kAbsent when the string is not there.
  int32_t find(std::string_view text) const;

  size_t size() const { return entries_.size(); }

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t entry = kAbsent;
  };
  struct Entry {
    uint32_t offset;
    uint32_t size;
    int32_t id;
  };

  size_t slot_of(std::string_view text, uint64_t hash) const;
  std::string_view text_of(const Entry& entry) const { return {bytes_.data() + entry.offset, entry.size}; }

  std::vector<Slot> slots_ = std::vector<Slot>(2);  // a power of two, at least twice the strings
  std::vector<Entry> entries_;
  std::string bytes_;
};

}  // namespace spyhop
