// Base64 and percent encoding.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spyhop {

/// Standard alphabet (RFC 4648), padded.
std::string base64_encode(std::string_view bytes);

/// Takes the standard and the URL-safe alphabet, ASCII white space anywhere, and padding or none, as browsers do in data: URLs.
/// Throws Error{kInvalidRequest} on any other character, misplaced padding or a length that no encoder gives.
std::string base64_decode(std::string_view text);

/// The most bytes that base64 text of `num_chars` characters can hold.
size_t base64_max_bytes(size_t num_chars);

/// Each %XX as the byte it stands for; a '%' without two hexadecimal digits stays, as in browsers.
std::string percent_decode(std::string_view text);

}  // namespace spyhop
