// Where labels go.
#pragma once

#include <vector>

#include "drawing/canvas.h"

namespace spyhop {

/// Finds room for one label after the other inside a picture of this size. Thread safety: one thread.
class LabelLayout {
 public:
  LabelLayout(int width, int height) : width_(width), height_(height) {}

  /// A place for a label of that size, which must fit into the picture: above the box it names, below it, or inside it,
  /// whichever comes first without covering another label; the one that covers least where all do.
  Area place(const Area& box, int width, int height);

 private:
  const int width_;
  const int height_;
  std::vector<Area> taken_;
};

}  // namespace spyhop
