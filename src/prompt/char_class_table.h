// Code point -> a byte of class bits, in constant time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "prompt/unicode_ranges.h"
#include "common/utf8.h"

namespace spyhop {

/// A character of a text: its class bits and its length in bytes.
struct ClassedChar {
  uint8_t bits;
  uint8_t length;
};

/// Two-level table: pages of 256 code points, equal pages stored once.
class CharClassTable {
 public:
  /// Later entries win where `replaces` is set; otherwise their bits join those of the earlier ones.
  struct Entry {
    CodePointSet set;
    uint8_t bits;
    bool replaces;
  };

  explicit CharClassTable(const std::vector<Entry>& entries);

  /// Class bits of a code point up to U+10FFFF; 0 for one in no set.
  uint8_t of(uint32_t code_point) const { return pages_[size_t{index_[code_point >> 8]} * 256 + (code_point & 0xFF)]; }

  /// The character at `p`, in valid UTF-8.
  ClassedChar at(const char* p) const {
    const auto lead = static_cast<uint8_t>(*p);
    if (lead < 0x80) return {pages_[lead], 1};
    return {of(decode_utf8(p)), static_cast<uint8_t>(utf8_length(lead))};
  }

  /// First position in [p, end) whose character has none of the `bits`.
  const char* skip(const char* p, const char* end, uint8_t bits) const {
    while (p < end) {
      const ClassedChar c = at(p);
      if (!(c.bits & bits)) break;
      p += c.length;
    }
    return p;
  }

  /// First position in [p, end) whose character has one of the `bits`.
  const char* skip_others(const char* p, const char* end, uint8_t bits) const {
    while (p < end) {
      const ClassedChar c = at(p);
      if (c.bits & bits) break;
      p += c.length;
    }
    return p;
  }

 private:
  std::array<uint16_t, 0x1100> index_{};
  std::vector<uint8_t> pages_;  // page 0 is U+0000-00FF
};

}  // namespace spyhop
