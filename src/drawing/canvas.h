// A picture that can be painted on.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "prompt/image.h"

namespace spyhop {

struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
};

/// Pixels from left and top up to, not including, right and bottom.
struct Area {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;

  int width() const { return right - left; }
  int height() const { return bottom - top; }
  bool overlaps(const Area& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

/// Paints on an image that it owns; whatever lies outside is left out. Coordinates may be any int whose sums do not overflow.
class Canvas {
 public:
  explicit Canvas(RgbImage image) : image_(std::move(image)) {}

  void fill(const Area& area, Colour colour);

  /// A frame of `thickness` pixels along the inside of an area's edges.
  void frame(const Area& area, int thickness, Colour colour);

  /// Mixes a colour into one pixel; 255 covers it.
  void blend(int x, int y, Colour colour, uint8_t coverage);

  const RgbImage& image() const { return image_; }
  RgbImage take() && { return std::move(image_); }

 private:
  RgbImage image_;
};

}  // namespace spyhop
