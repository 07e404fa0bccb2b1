// Pictures to send.
#pragma once

#include <cstdint>
#include <string>

namespace spyhop {

struct ImageSize {
  int width = 0;
  int height = 0;
};

/// "WIDTHxHEIGHT". Throws Error{kInvalidRequest} naming `flag` unless both are 1 to 16384 and the image has at most 50 million
/// pixels.
ImageSize parse_image_size(const std::string& text, const std::string& flag);

/// A JPEG of coloured rectangles over a gradient, another one for every seed.
/// Throws Error{kInternal} when the encoder fails.
std::string make_test_image(ImageSize size, uint64_t seed);

/// `data:` URL of an encoded image. Throws Error{kInvalidRequest} naming `name` unless it is JPEG, PNG, WebP, GIF or BMP.
std::string image_data_url(const std::string& bytes, const std::string& name);

}  // namespace spyhop
