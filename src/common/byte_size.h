// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spyhop {

/// A whole number of bytes, alone or with a unit right behind it: kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers
/// of 1024). Throws Error{kInvalidRequest} for anything else and for what 63 bits do not hold.
int64_t parse_byte_size(std::string_view text);

/// Bytes in the largest unit, at one decimal: "1.5 GiB".
std::string byte_size_text(int64_t bytes);

}  // namespace spyhop
