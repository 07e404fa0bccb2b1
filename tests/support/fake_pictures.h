// Picture tools that fetch and draw words.
#pragma once

#include <string>

#include "spyhop/error.h"
#include "spyhop/pictures.h"

namespace spyhop::test {

class FakePictures : public PictureTools {
 public:
  /// "bytes of URL"; refuses "data:,bad".
  std::shared_ptr<const std::string> fetch(const ImagePart& image, const std::string& param) const override {
    if (image.url == "data:,bad") throw Error(ErrorCode::kInvalidRequest, param + " is bad", param);
    return std::make_shared<const std::string>("bytes of " + image.url);
  }

  /// A line for the picture, then one for each box.
  std::string draw_boxes(std::string_view encoded, const std::vector<DrawnBox>& boxes) const override {
    std::string drawing(encoded);
    for (const DrawnBox& box : boxes) {
      drawing += "\n" + box.label + " " + std::to_string(box.colour);
      for (const int edge : box.edges) drawing += " " + std::to_string(edge);
    }
    return drawing;
  }
};

}  // namespace spyhop::test
