#include "drawing/canvas.h"

#include <algorithm>

namespace spyhop {

void Canvas::fill(const Area& area, Colour colour) {
  const int left = std::max(area.left, 0);
  const int right = std::min(area.right, image_.width);
  const int bottom = std::min(area.bottom, image_.height);
  for (int y = std::max(area.top, 0); y < bottom; ++y) {
    for (int x = left; x < right; ++x) blend(x, y, colour, 255);
  }
}

void Canvas::frame(const Area& area, int thickness, Colour colour) {
  const int across = std::clamp(thickness, 0, std::max(area.width(), 0));
  const int down = std::clamp(thickness, 0, std::max(area.height(), 0));
  fill({area.left, area.top, area.right, area.top + down}, colour);
  fill({area.left, area.bottom - down, area.right, area.bottom}, colour);
  fill({area.left, area.top, area.left + across, area.bottom}, colour);
  fill({area.right - across, area.top, area.right, area.bottom}, colour);
}

void Canvas::blend(int x, int y, Colour colour, uint8_t coverage) {
  if (x < 0 || y < 0 || x >= image_.width || y >= image_.height) return;
  const size_t pixel = static_cast<size_t>(y) * static_cast<size_t>(image_.width) + static_cast<size_t>(x);
  const auto mix = [coverage](uint8_t below, uint8_t above) {
    return static_cast<uint8_t>((below * (255 - coverage) + above * coverage + 127) / 255);
  };
  uint8_t* const at = &image_.pixels[pixel * 3];
  at[0] = mix(at[0], colour.red);
  at[1] = mix(at[1], colour.green);
  at[2] = mix(at[2], colour.blue);
}

}  // namespace spyhop
