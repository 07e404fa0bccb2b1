// Canvas choice, padding, tiles and normalisation. Source: processing_deepseek_vl_v2.py; Pillow's ImageOps.pad.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "prompt/image.h"
#include "prompt/image/resample.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

struct Size {
  int width = 0;
  int height = 0;
};

/// The largest size of the image's aspect ratio within width x height. The order of the operations and rounding halves to even
/// are Pillow's: they decide single pixels.
Size fit_within(const Size& image, const Size& canvas) {
  const double image_ratio = static_cast<double>(image.width) / image.height;
  const double canvas_ratio = static_cast<double>(canvas.width) / canvas.height;
  if (image_ratio == canvas_ratio) return canvas;
  if (image_ratio > canvas_ratio) {
    const double height = static_cast<double>(image.height) / image.width * canvas.width;
    return {canvas.width, static_cast<int>(std::nearbyint(height))};
  }
  const double width = static_cast<double>(image.width) / image.height * canvas.height;
  return {static_cast<int>(std::nearbyint(width)), canvas.height};
}

Size visible_fit(const Size& image, const Size& canvas) {
  const Size fit = fit_within(image, canvas);
  if (fit.width >= 1 && fit.height >= 1) return fit;
  throw Error(ErrorCode::kInvalidRequest, "the aspect ratio of the image, " + std::to_string(image.width) + " x " +
                                              std::to_string(image.height) + " pixels, is too extreme: on a canvas of " +
                                              std::to_string(canvas.width) + " x " + std::to_string(canvas.height) +
                                              " no pixel is left");
}

/// The candidate that keeps most pixels and, among equals, wastes least; the first of those. Source: select_best_resolution.
Resolution best_resolution(const Size& image, const std::vector<Resolution>& candidates) {
  Resolution best;
  int64_t best_effective = 0;
  int64_t best_wasted = std::numeric_limits<int64_t>::max();
  for (const Resolution& candidate : candidates) {
    const double scale =
        std::min(static_cast<double>(candidate.width) / image.width, static_cast<double>(candidate.height) / image.height);
    const int64_t scaled = static_cast<int64_t>(image.width * scale) * static_cast<int64_t>(image.height * scale);
    const int64_t effective = std::min(scaled, int64_t{image.width} * image.height);
    const int64_t wasted = int64_t{candidate.width} * candidate.height - effective;
    if (effective < best_effective || (effective == best_effective && wasted >= best_wasted)) continue;
    best = candidate;
    best_effective = effective;
    best_wasted = wasted;
  }
  return best;
}

std::array<uint8_t, 3> pad_color(const ProcessorConfig& processor) {
  std::array<uint8_t, 3> color{};
  for (size_t c = 0; c < color.size(); ++c) color[c] = static_cast<uint8_t>(processor.image_mean[c] * 255);
  return color;
}

RgbImage filled_image(const Size& size, const std::array<uint8_t, 3>& color) {
  RgbImage image{size.width, size.height, {}};
  image.pixels.resize(static_cast<size_t>(size.width) * static_cast<size_t>(size.height) * 3);
  for (size_t i = 0; i < image.pixels.size(); i += 3) std::copy(color.begin(), color.end(), &image.pixels[i]);
  return image;
}

void copy_rows(const uint8_t* from, size_t from_stride, const Size& size, uint8_t* to, size_t to_stride) {
  for (int y = 0; y < size.height; ++y, from += from_stride, to += to_stride) {
    std::copy_n(from, static_cast<size_t>(size.width) * 3, to);
  }
}

size_t tile_bytes(int side) {
  return static_cast<size_t>(side) * static_cast<size_t>(side) * 3;
}

}  // namespace

TileGrid choose_tile_grid(int width, int height, const ProcessorConfig& processor, bool cropping, int max_tiles) {
  if (!cropping) return {};
  std::vector<Resolution> candidates = processor.candidate_resolutions;
  const int64_t tile_pixels = int64_t{processor.image_size} * processor.image_size;
  const auto is_larger = [&](const Resolution& each) { return int64_t{each.width} * each.height > tile_pixels * max_tiles; };
  if (max_tiles != std::numeric_limits<int>::max()) {
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(), is_larger), candidates.end());
  }
  if (candidates.empty()) return {};
  const Resolution best = best_resolution({width, height}, candidates);
  return {best.width / processor.image_size, best.height / processor.image_size};
}

void check_aspect_ratio(int width, int height, const ProcessorConfig& processor) {
  visible_fit({width, height}, {processor.image_size, processor.image_size});
}

int count_image_tokens(const TileGrid& grid, const ProcessorConfig& processor) {
  const int t = processor.tile_tokens();
  return t * (t + 1) + 1 + grid.rows * t * (grid.cols * t + 1);
}

RgbImage pad_to(const RgbImage& image, int width, int height, const ProcessorConfig& processor) {
  const Size canvas{width, height};
  const Size fit = visible_fit({image.width, image.height}, canvas);
  RgbImage resized = resize_bicubic(image, fit.width, fit.height);
  if (fit.width == width && fit.height == height) return resized;
  RgbImage padded = filled_image(canvas, pad_color(processor));
  const size_t x = fit.width != width ? static_cast<size_t>(std::nearbyint((width - fit.width) * 0.5)) : 0;
  const size_t y = fit.width == width ? static_cast<size_t>(std::nearbyint((height - fit.height) * 0.5)) : 0;
  const size_t stride = static_cast<size_t>(width) * 3;
  copy_rows(resized.pixels.data(), static_cast<size_t>(fit.width) * 3, fit, padded.pixels.data() + y * stride + x * 3, stride);
  return padded;
}

std::vector<uint8_t> make_tiles(const RgbImage& image, const TileGrid& grid, const ProcessorConfig& processor) {
  const int side = processor.image_size;
  const RgbImage global = pad_to(image, side, side, processor);
  const bool is_one_tile = grid.cols == 1 && grid.rows == 1;
  const RgbImage local = is_one_tile ? global : pad_to(image, grid.cols * side, grid.rows * side, processor);
  std::vector<uint8_t> tiles(tile_bytes(side) * static_cast<size_t>(1 + grid.cols * grid.rows));
  std::copy(global.pixels.begin(), global.pixels.end(), tiles.begin());
  uint8_t* tile = tiles.data() + tile_bytes(side);
  const size_t tile_stride = static_cast<size_t>(side) * 3;
  const size_t local_stride = static_cast<size_t>(local.width) * 3;
  for (int row = 0; row < grid.rows; ++row) {
    for (int col = 0; col < grid.cols; ++col, tile += tile_bytes(side)) {
      const uint8_t* corner =
          local.pixels.data() + static_cast<size_t>(row * side) * local_stride + static_cast<size_t>(col) * tile_stride;
      copy_rows(corner, local_stride, {side, side}, tile, tile_stride);
    }
  }
  return tiles;
}

std::vector<float> normalise_tile(const uint8_t* tile, const ProcessorConfig& processor) {
  const size_t num_pixels = static_cast<size_t>(processor.image_size) * static_cast<size_t>(processor.image_size);
  std::vector<float> planes(num_pixels * 3);
  for (size_t c = 0; c < 3; ++c) {
    const float mean = static_cast<float>(processor.image_mean[c]);
    const float deviation = static_cast<float>(processor.image_std[c]);
    std::array<float, 256> table;
    for (size_t v = 0; v < table.size(); ++v) table[v] = (static_cast<float>(v) / 255.0F - mean) / deviation;
    float* plane = planes.data() + c * num_pixels;
    for (size_t i = 0; i < num_pixels; ++i) plane[i] = table[tile[3 * i + c]];
  }
  return planes;
}

}  // namespace spyhop
