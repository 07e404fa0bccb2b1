// Encoded image -> RGB -> tiles, bit-equal with the reference's Pillow pipeline.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

/// 8-bit RGB, row-major [height, width, 3].
struct RgbImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
};

struct ImageHeader {
  std::string format;  // "png", "jpeg", "webp", "gif", "bmp", "pnm" or "psd"
  int width = 0;
  int height = 0;
};

/// Format and size by content, without decoding. Checks `limits`. Throws Error{kInvalidRequest | kTooLarge}.
ImageHeader probe_image(std::string_view bytes, const ImageLimits& limits);

/// Pixels as PIL's Image.open(...).convert("RGB") gives them: alpha dropped, EXIF orientation, ICC and gamma ignored,
/// 16-bit grey clipped, first frame of an animation. Limits are checked from the header before anything is allocated.
RgbImage decode_image(std::string_view bytes, const ImageLimits& limits);

/// Tiles of the local canvas, width first.
struct TileGrid {
  int cols = 1;
  int rows = 1;
};

/// The candidate resolution of at most `max_tiles` tiles that keeps most pixels of a width x height image, in tiles; 1 x 1 when
/// `cropping` is off. Source: processing_deepseek_vl_v2.py, select_best_resolution, which knows no limit.
TileGrid choose_tile_grid(int width, int height, const ProcessorConfig& processor, bool cropping,
                          int max_tiles = std::numeric_limits<int>::max());

/// Throws Error{kInvalidRequest} where a width x height image would get a zero dimension in the global view (aspect ratio too
/// extreme). The local canvas is at least as large.
void check_aspect_ratio(int width, int height, const ProcessorConfig& processor);

/// t(t+1) + 1 + (rows t)(cols t + 1), t = processor.tile_tokens().
int count_image_tokens(const TileGrid& grid, const ProcessorConfig& processor);

/// Pillow's ImageOps.pad of `image` to width x height: bicubic (8-bit fixed point), centred on a canvas of the mean colour.
/// Throws Error{kInvalidRequest} where the aspect ratio leaves no pixel.
RgbImage pad_to(const RgbImage& image, int width, int height, const ProcessorConfig& processor);

/// Global view first, then the local tiles row by row: [1 + cols * rows, S, S, 3] bytes.
std::vector<uint8_t> make_tiles(const RgbImage& image, const TileGrid& grid, const ProcessorConfig& processor);

/// (v / 255 - mean) / std in float32, planar: [3, S, S] from one tile's [S, S, 3].
std::vector<float> normalise_tile(const uint8_t* tile, const ProcessorConfig& processor);

}  // namespace spyhop
