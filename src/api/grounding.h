// Boxes in answers.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// A box as the model wrote it. Left, top, right and bottom are 0 to 999 across the whole image.
struct GroundedBox {
  std::optional<std::string> label;               // absent where nothing named it
  std::optional<std::array<double, 4>> position;  // absent where no four numbers could be read
  std::string problem;                            // what is wrong with it; empty: it is valid

  bool valid() const { return problem.empty(); }
};

/// Boxes a text may hold; more are not looked at.
constexpr size_t kMaxGroundedBoxes = 4096;

/// Every box of an answer, in its order, out of "<|ref|>label<|/ref|><|det|>[[x1, y1, x2, y2], ...]<|/det|>". What does not
/// have that form is there too, with its problem: a box with three numbers, a number out of range, a list that breaks off, a
/// label without boxes. Source: the family's own parser, which gives up the whole answer instead.
std::vector<GroundedBox> parse_grounding(std::string_view text);

/// A position in an image of that width or height, in pixels. Source: the family's own drawing of boxes.
int grounded_pixel(double position, int pixels);

/// Left, top, right and bottom in an image's pixels, of a box that has a position.
std::array<int, 4> pixels_of(const GroundedBox& box, const ImageUse& image);

/// The boxes of an answer about these images.
struct AnswerBoxes {
  std::vector<GroundedBox> boxes;
  std::vector<ImageUse> images;
};

/// Of a whole answer: absent where it holds none and none were asked for, or where there is no image.
std::optional<AnswerBoxes> boxes_of(std::string_view answer, bool wants_boxes, const std::vector<ImageUse>& images);

/// [{"label", "image_index", "box_norm", "box_px", "valid", "error"}]; "error" only of what is not valid. The image is the last
/// one of the request, of which an answer speaks; without images, index and pixels are null.
nlohmann::ordered_json grounding_json(const AnswerBoxes& answer);

}  // namespace spyhop
