#include "common/utf8.h"

#include <cstring>

namespace spyhop {
namespace {

struct ByteRange {
  uint8_t first;
  uint8_t last;
};

constexpr ByteRange kContinuation{0x80, 0xBF};

/// Allowed second bytes, which is where overlong forms, surrogates and too large values are told apart.
ByteRange second_byte_range(uint8_t lead) {
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return kContinuation;
  }
}

/// Length of the part at the beginning of `bytes` that is ASCII, in whole words.
size_t ascii_prefix(std::string_view bytes) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    if (word & 0x8080808080808080u) break;
  }
  return i;
}

/// Length of the longest prefix that is valid.
size_t valid_prefix(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    if (static_cast<uint8_t>(bytes[i]) < 0x80) {
      const size_t ascii = ascii_prefix(bytes.substr(i));
      i += ascii > 0 ? ascii : 1;
      continue;
    }
    const Utf8Step step = next_utf8(bytes.substr(i));
    if (step.kind != Utf8Step::Kind::kCharacter) break;
    i += static_cast<size_t>(step.length);
  }
  return i;
}

}  // namespace

Utf8Step next_utf8(std::string_view bytes) {
  const auto lead = static_cast<uint8_t>(bytes[0]);
  if (lead < 0x80) return {Utf8Step::Kind::kCharacter, 1};
  if (lead < 0xC2 || lead > 0xF4) return {Utf8Step::Kind::kInvalid, 1};
  const int length = utf8_length(lead);
  for (int i = 1; i < length; ++i) {
    if (static_cast<size_t>(i) >= bytes.size()) return {Utf8Step::Kind::kIncomplete, i};
    const ByteRange range = i == 1 ? second_byte_range(lead) : kContinuation;
    const auto byte = static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
    if (byte < range.first || byte > range.last) return {Utf8Step::Kind::kInvalid, i};
  }
  return {Utf8Step::Kind::kCharacter, length};
}

bool is_valid_utf8(std::string_view bytes) {
  return valid_prefix(bytes) == bytes.size();
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t valid = valid_prefix(bytes);
    text.append(bytes.substr(0, valid));
    bytes.remove_prefix(valid);
    if (bytes.empty()) break;
    text.append(kReplacementCharacter);
    bytes.remove_prefix(static_cast<size_t>(next_utf8(bytes).length));
  }
  return text;
}

std::string encode_utf8(uint32_t code_point) {
  const auto tail = [code_point](int shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xE0 | code_point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace spyhop
