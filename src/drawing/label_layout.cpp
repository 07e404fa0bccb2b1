#include "drawing/label_layout.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace spyhop {
namespace {

int64_t common_pixels(const Area& a, const Area& b) {
  if (!a.overlaps(b)) return 0;
  return int64_t{std::min(a.right, b.right) - std::max(a.left, b.left)} *
         (std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
}

}  // namespace

Area LabelLayout::place(const Area& box, int width, int height) {
  const int right_aligned = box.right - width;
  const int inner_bottom = box.bottom - height;
  const Area corners[] = {
      {box.left, box.top - height, 0, 0}, {box.left, box.bottom, 0, 0},       {right_aligned, box.top - height, 0, 0},
      {right_aligned, box.bottom, 0, 0},  {box.left, box.top, 0, 0},          {box.left, inner_bottom, 0, 0},
      {right_aligned, box.top, 0, 0},     {right_aligned, inner_bottom, 0, 0}};
  Area best;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const Area& corner : corners) {
    const int left = std::clamp(corner.left, 0, width_ - width);
    const int top = corner.top;
    if (top < 0 || top + height > height_) continue;
    const Area place{left, top, left + width, top + height};
    int64_t covered = 0;
    for (const Area& other : taken_) covered += common_pixels(place, other);
    if (covered >= least) continue;
    least = covered;
    best = place;
  }
  taken_.push_back(best);
  return best;
}

}  // namespace spyhop
