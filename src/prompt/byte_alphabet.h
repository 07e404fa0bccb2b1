// GPT-2's printable characters for bytes, in which byte-level vocabularies are written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spyhop {

/// The character, in UTF-8, that stands for a byte.
std::string byte_to_character(unsigned char byte);

/// The bytes that a token's characters stand for; nothing when one of them stands for no byte.
std::optional<std::string> characters_to_bytes(std::string_view token);

}  // namespace spyhop
