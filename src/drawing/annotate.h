// Boxes and their labels on a picture.
#pragma once

#include <string>
#include <vector>

#include "drawing/canvas.h"
#include "prompt/image.h"
#include "spyhop/pictures.h"

namespace spyhop {

/// Colours of frames and of the ground of labels. White letters have a contrast of at least 4.5 on each.
const std::vector<Colour>& box_colours();

/// Of one picture; boxes beyond get a frame alone.
constexpr size_t kMaxLabels = 512;

/// Frames run inside a box's edges and have a white rim, so that they show on any ground; labels are whole inside the picture,
/// shortened where they are wider. A picture too low for letters of 8 pixels gets no labels.
RgbImage annotate(RgbImage picture, const std::vector<DrawnBox>& boxes);

/// Throws Error{kInternal}.
std::string encode_png(const RgbImage& image);

}  // namespace spyhop
