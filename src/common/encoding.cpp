#include "common/encoding.h"

#include <array>
#include <cstdint>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a character means; values below 64 are digits.
constexpr uint8_t kSpace = 64;
constexpr uint8_t kPadding = 65;
constexpr uint8_t kOther = 66;

std::array<uint8_t, 256> make_meanings() {
  std::array<uint8_t, 256> meanings;
  meanings.fill(kOther);
  for (size_t i = 0; i < kAlphabet.size(); ++i) meanings[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  meanings['-'] = 62;
  meanings['_'] = 63;
  meanings['='] = kPadding;
  for (const char c : {' ', '\t', '\n', '\f', '\r'}) meanings[static_cast<uint8_t>(c)] = kSpace;
  return meanings;
}

[[noreturn]] void refuse_base64(const std::string& reason) {
  throw Error(ErrorCode::kInvalidRequest, "malformed base64: " + reason);
}

void check_length(size_t num_digits, size_t num_padding) {
  const bool padded_wrongly = num_padding > 2 || (num_padding > 0 && (num_digits + num_padding) % 4 != 0);
  if (num_digits % 4 == 1 || padded_wrongly) {
    refuse_base64(std::to_string(num_digits) + " digits and " + std::to_string(num_padding) + " padding characters");
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < group.size() ? static_cast<uint8_t>(group[j]) : 0U);
    for (size_t j = 0; j < 4; ++j) text += j <= group.size() ? kAlphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string base64_decode(std::string_view text) {
  static const std::array<uint8_t, 256> kMeanings = make_meanings();
  std::string bytes;
  bytes.reserve(base64_max_bytes(text.size()));
  size_t num_digits = 0;
  size_t num_padding = 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t meaning = kMeanings[static_cast<uint8_t>(text[i])];
    if (meaning == kSpace) continue;
    if (meaning == kOther) refuse_base64("the character at position " + std::to_string(i) + " is not of its alphabet");
    if (meaning == kPadding) {
      ++num_padding;
      continue;
    }
    if (num_padding > 0) refuse_base64("padding in front of position " + std::to_string(i));
    bits = bits << 6 | meaning;
    if (++num_digits % 4 == 0) {
      for (const int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift & 255);
    }
  }
  check_length(num_digits, num_padding);
  if (num_digits % 4 == 2) bytes += static_cast<char>(bits >> 4 & 255);
  if (num_digits % 4 == 3) {
    for (const int shift : {10, 2}) bytes += static_cast<char>(bits >> shift & 255);
  }
  return bytes;
}

size_t base64_max_bytes(size_t num_chars) {
  return num_chars / 4 * 3 + 3;
}

std::string percent_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      bytes += text[i];
    } else {
      bytes += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return bytes;
}

}  // namespace spyhop
