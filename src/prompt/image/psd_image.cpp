// The merged picture of a Photoshop file through stb_image, which is compiled here for this format alone: its other decoders
// either differ from Pillow or recognise a file by its name only.
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

#include "prompt/image/image_codec.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PSD
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

namespace spyhop {
namespace {

struct StbFree {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

const stbi_uc* stb_data(std::string_view bytes) {
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

bool matches(std::string_view bytes) {
  return bytes.substr(0, 4) == "8BPS";
}

ImageHeader read_header(std::string_view bytes) {
  ImageHeader header{"psd", 0, 0};
  int channels = 0;
  if (bytes.size() > INT_MAX ||
      stbi_info_from_memory(stb_data(bytes), static_cast<int>(bytes.size()), &header.width, &header.height, &channels) == 0) {
    refuse_image("PSD", "its header is damaged or of a kind that is not read; allowed: RGB of 8 or 16 bits");
  }
  return header;
}

RgbImage decode(std::string_view bytes, const ImageHeader& header) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, StbFree> pixels(
      stbi_load_from_memory(stb_data(bytes), static_cast<int>(bytes.size()), &width, &height, &channels, 3));
  if (!pixels) refuse_image("PSD", stbi_failure_reason());
  if (width != header.width || height != header.height) refuse_image("PSD", "its size contradicts its header");
  RgbImage image = make_image(header);
  std::copy_n(pixels.get(), image.pixels.size(), image.pixels.data());
  return image;
}

}  // namespace

ImageCodec psd_codec() {
  return {"PSD", matches, read_header, decode};
}

}  // namespace spyhop
