// Run-length encoded BMP pixel data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace spyhop {

/// What the decoder needs of the BMP header.
struct BmpRuns {
  int width = 0;
  int height = 0;
  size_t stride = 0;      // bytes of a row of the result
  bool four_bit = false;  // two pixels per byte, here and in the result
};

/// Rows of packed colour indices as an uncompressed file holds them, [height, stride]; pixels that the data skips are index 0.
/// Throws Error{kInvalidRequest} where the data stops without an end marker.
std::vector<uint8_t> decode_bmp_rle(std::string_view data, const BmpRuns& runs);

}  // namespace spyhop
