// Answers with boxes in them.
#include <nlohmann/json.hpp>
#include <string>

#include "api/grounding.h"
#include "check.h"
#include "common/utf8.h"

namespace {

using nlohmann::ordered_json;
using spyhop::GroundedBox;
using spyhop::fuzz::check;

void check_box(const GroundedBox& box) {
  check(box.valid() == box.problem.empty(), "a box is valid or has a problem");
  if (!box.valid()) return;
  check(box.position.has_value(), "a valid box has a position");
  const auto& [left, top, right, bottom] = *box.position;
  check(left >= 0 && left <= right && right <= 999 && top >= 0 && top <= bottom && bottom <= 999,
        "a valid box is in its image");
  for (const double side : *box.position) {
    const int pixel = spyhop::grounded_pixel(side, 640);
    check(pixel >= 0 && pixel <= 640, "a position is in its image");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The text of an answer is repaired before it gets here.
  const std::string text = spyhop::replace_invalid_utf8({reinterpret_cast<const char*>(data), size});
  const std::vector<GroundedBox> boxes = spyhop::parse_grounding(text);
  check(boxes.size() <= spyhop::kMaxGroundedBoxes, "boxes are limited");
  for (const GroundedBox& box : boxes) check_box(box);
  spyhop::ImageUse image;
  image.width = 640;
  image.height = 480;
  for (const auto& images : {std::vector<spyhop::ImageUse>{}, std::vector<spyhop::ImageUse>{image, image}}) {
    const ordered_json list = spyhop::grounding_json({boxes, images});
    check(list.size() == boxes.size(), "every box is told");
    check(ordered_json::accept(list.dump()), "boxes are JSON");
  }
  return 0;
}
