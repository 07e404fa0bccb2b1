// The image formats behind probe_image and decode_image, one file each.
#pragma once

#include <string>
#include <string_view>

#include "prompt/image.h"

namespace spyhop {

/// One format. `matches` looks at magic bytes only. `read_header` gives the size that `decode` will produce without decoding;
/// its cost is linear in the bytes at worst. `decode` is called only with a header whose size is within the limits and
/// allocates nothing that the size does not bound. Both throw Error{kInvalidRequest} on damaged input.
struct ImageCodec {
  const char* name;
  bool (*matches)(std::string_view bytes);
  ImageHeader (*read_header)(std::string_view bytes);
  RgbImage (*decode)(std::string_view bytes, const ImageHeader& header);
};

ImageCodec png_codec();
ImageCodec jpeg_codec();
ImageCodec webp_codec();
ImageCodec gif_codec();
ImageCodec bmp_codec();
ImageCodec pnm_codec();
ImageCodec psd_codec();

/// A black image of the header's size.
RgbImage make_image(const ImageHeader& header);

/// Throws Error{kInvalidRequest}: "the <format> image cannot be decoded: <reason>".
[[noreturn]] void refuse_image(const std::string& format, const std::string& reason);

}  // namespace spyhop
