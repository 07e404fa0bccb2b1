// The compressed pixel data of a GIF frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace spyhop {

/// The first `num_pixels` colour indices of the sub-blocks at the front of `blocks`. `min_code_size` is the byte in front of
/// them, 1 to 8 bits. Throws Error{kInvalidRequest} where the data is damaged or ends too early.
std::vector<uint8_t> decode_gif_lzw(std::string_view blocks, int min_code_size, size_t num_pixels);

}  // namespace spyhop
