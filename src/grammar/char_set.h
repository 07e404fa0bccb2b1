// Sets of Unicode characters.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace spyhop {

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

/// Code points from `first` to `last`, both included.
struct CharRange {
  char32_t first = 0;
  char32_t last = 0;

  bool operator==(const CharRange& other) const { return first == other.first && last == other.last; }
};

/// A set of code points. Surrogates, which UTF-8 does not have, are never in it.
class CharSet {
 public:
  CharSet() = default;
  /// Ranges in any order, which may overlap. Those whose first exceeds their last are empty.
  CharSet(std::initializer_list<CharRange> ranges) : CharSet(std::vector<CharRange>(ranges)) {}
  explicit CharSet(std::vector<CharRange> ranges);

  /// All characters.
  static CharSet any() { return {{0, kLastCodePoint}}; }

  bool contains(char32_t character) const;
  bool empty() const { return ranges_.empty(); }
  CharSet united(const CharSet& other) const;
  CharSet intersected(const CharSet& other) const;
  CharSet inverted() const;
  CharSet without(const CharSet& other) const { return intersected(other.inverted()); }

  /// In rising order, none touching the next.
  const std::vector<CharRange>& ranges() const { return ranges_; }

  bool operator==(const CharSet& other) const { return ranges_ == other.ranges_; }
  bool operator<(const CharSet& other) const;

 private:
  std::vector<CharRange> ranges_;
};

/// Bytes from `first` to `last`, both included.
struct ByteRange {
  uint8_t first = 0;
  uint8_t last = 0;

  bool operator==(const ByteRange& other) const { return first == other.first && last == other.last; }
};

/// The UTF-8 of some characters: one range for each byte, any combination of which is one of them.
struct ByteRanges {
  std::array<ByteRange, 4> bytes{};
  int length = 0;
};

/// The UTF-8 of all characters of a set, each covered once, in the order of their bytes.
std::vector<ByteRanges> utf8_ranges(const CharSet& set);

}  // namespace spyhop
