// UTF-8: checking, repairing and stepping through text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spyhop {

/// U+FFFD in UTF-8: what invalid bytes are read as.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// The beginning of a byte string, read as UTF-8.
struct Utf8Step {
  enum class Kind {
    kCharacter,   // `length` bytes are one character
    kInvalid,     // `length` bytes are a maximal prefix of a character that goes on wrongly, or one byte that begins none
    kIncomplete,  // all that is left, `length` bytes, may be the beginning of a character
  };
  Kind kind = Kind::kCharacter;
  int length = 1;
};

/// What `bytes` (not empty) begins with. Surrogates, overlong forms and values past U+10FFFF are invalid.
Utf8Step next_utf8(std::string_view bytes);

bool is_valid_utf8(std::string_view bytes);

/// `bytes` with every invalid part replaced by U+FFFD: one per maximal prefix, as WHATWG and Rust do.
std::string replace_invalid_utf8(std::string_view bytes);

/// Bytes of the character that begins with `lead`, in valid UTF-8.
inline int utf8_length(uint8_t lead) {
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// The code point that begins at `p`, in valid UTF-8.
inline uint32_t decode_utf8(const char* p) {
  const auto byte = [p](int i) { return uint32_t{static_cast<uint8_t>(p[i])}; };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return lead;
  if (lead < 0xE0) return (lead & 0x1F) << 6 | (byte(1) & 0x3F);
  if (lead < 0xF0) return (lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return (lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

/// The UTF-8 form of a Unicode scalar value.
std::string encode_utf8(uint32_t code_point);

}  // namespace spyhop
