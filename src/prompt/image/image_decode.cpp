// Format by content, limits from the header, then the format's own decoder.
#include <array>
#include <string>

#include "prompt/image.h"
#include "prompt/image/image_codec.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

const ImageCodec& find_codec(std::string_view bytes) {
  static const std::array<ImageCodec, 7> kCodecs = {png_codec(), jpeg_codec(), webp_codec(), gif_codec(),
                                                    bmp_codec(), pnm_codec(),  psd_codec()};
  for (const ImageCodec& codec : kCodecs) {
    if (codec.matches(bytes)) return codec;
  }
  std::string allowed;
  for (const ImageCodec& codec : kCodecs) allowed += std::string(allowed.empty() ? "" : ", ") + codec.name;
  throw Error(ErrorCode::kInvalidRequest, bytes.empty() ? "the image is empty (0 bytes)"
                                                        : "the image's " + std::to_string(bytes.size()) +
                                                              " bytes are of no known format; allowed: " + allowed);
}

void check_size(const ImageHeader& header, const ImageLimits& limits) {
  const std::string size = std::to_string(header.width) + " x " + std::to_string(header.height) + " pixels";
  if (header.width <= 0 || header.height <= 0) refuse_image(header.format, "its size is " + size);
  if (header.width > limits.max_side || header.height > limits.max_side) {
    throw Error(ErrorCode::kTooLarge,
                "the image is " + size + "; allowed are at most " + std::to_string(limits.max_side) + " per side");
  }
  if (int64_t{header.width} * header.height > limits.max_pixels) {
    throw Error(ErrorCode::kTooLarge,
                "the image is " + size + "; allowed are at most " + std::to_string(limits.max_pixels) + " pixels in all");
  }
}

ImageHeader read_checked_header(const ImageCodec& codec, std::string_view bytes, const ImageLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    throw Error(ErrorCode::kTooLarge, "the image is " + std::to_string(bytes.size()) + " bytes; allowed are at most " +
                                          std::to_string(limits.max_bytes));
  }
  ImageHeader header = codec.read_header(bytes);
  check_size(header, limits);
  return header;
}

}  // namespace

void refuse_image(const std::string& format, const std::string& reason) {
  throw Error(ErrorCode::kInvalidRequest, "the " + format + " image cannot be decoded: " + reason);
}

RgbImage make_image(const ImageHeader& header) {
  RgbImage image;
  image.width = header.width;
  image.height = header.height;
  image.pixels.resize(static_cast<size_t>(header.width) * static_cast<size_t>(header.height) * 3);
  return image;
}

ImageHeader probe_image(std::string_view bytes, const ImageLimits& limits) {
  return read_checked_header(find_codec(bytes), bytes, limits);
}

RgbImage decode_image(std::string_view bytes, const ImageLimits& limits) {
  const ImageCodec& codec = find_codec(bytes);
  const ImageHeader header = read_checked_header(codec, bytes, limits);
  return codec.decode(bytes, header);
}

}  // namespace spyhop
