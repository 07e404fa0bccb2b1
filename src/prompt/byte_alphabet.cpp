#include "prompt/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "common/utf8.h"

namespace spyhop {
namespace {

constexpr bool is_printable(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

constexpr int kNumOthers = 68;  // they follow in order from U+0100 on

constexpr std::array<uint16_t, 256> make_characters() {
  std::array<uint16_t, 256> characters{};
  uint16_t other = 256;
  for (int byte = 0; byte < 256; ++byte) {
    characters[static_cast<size_t>(byte)] = is_printable(byte) ? static_cast<uint16_t>(byte) : other++;
  }
  return characters;
}

constexpr std::array<uint16_t, 256> kCharacters = make_characters();

constexpr std::array<int16_t, 256 + kNumOthers> make_bytes() {
  std::array<int16_t, 256 + kNumOthers> bytes{};
  for (int16_t& byte : bytes) byte = -1;
  for (size_t byte = 0; byte < kCharacters.size(); ++byte) bytes[kCharacters[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

constexpr std::array<int16_t, 256 + kNumOthers> kBytes = make_bytes();

}  // namespace

std::string byte_to_character(unsigned char byte) {
  return encode_utf8(kCharacters[byte]);
}

std::optional<std::string> characters_to_bytes(std::string_view token) {
  std::string bytes;
  for (size_t i = 0; i < token.size(); i += static_cast<size_t>(utf8_length(static_cast<uint8_t>(token[i])))) {
    const uint32_t character = decode_utf8(token.data() + i);
    if (character >= kBytes.size() || kBytes[character] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[character]));
  }
  return bytes;
}

}  // namespace spyhop
