#include "prompt/image/resample.h"

namespace spyhop {
namespace {

RgbImage blank(int width, int height) {
  return {width, height, std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(height) * 3)};
}

RgbImage resize_horizontally(const RgbImage& image, int width, const ResampleKernels& kernels) {
  const ResampleWindows windows(image.width, width);
  RgbImage result = blank(width, image.height);
  kernels.horizontal({image.pixels.data(), static_cast<size_t>(image.width) * 3}, image.width, image.height, windows,
                     result.pixels.data());
  return result;
}

RgbImage resize_vertically(const RgbImage& image, int height, const ResampleKernels& kernels) {
  const ResampleWindows windows(image.height, height);
  const size_t stride = static_cast<size_t>(image.width) * 3;
  RgbImage result = blank(image.width, height);
  for (int y = 0; y < height; ++y) {
    const ResampleWindow window = windows[y];
    const uint8_t* first_row = image.pixels.data() + static_cast<size_t>(window.first) * stride;
    kernels.vertical({first_row, stride}, window, result.pixels.data() + static_cast<size_t>(y) * stride);
  }
  return result;
}

}  // namespace

RgbImage resize_bicubic(const RgbImage& image, int width, int height, const ResampleKernels& kernels) {
  if (image.width == width && image.height == height) return image;
  if (image.width == width) return resize_vertically(image, height, kernels);
  RgbImage narrowed = resize_horizontally(image, width, kernels);
  return image.height == height ? narrowed : resize_vertically(narrowed, height, kernels);
}

}  // namespace spyhop
