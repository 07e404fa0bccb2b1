// What a server can do with pictures besides asking a model about them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// A box to be drawn.
struct DrawnBox {
  std::string label;         // UTF-8; empty: none
  std::array<int, 4> edges;  // left, top, right, bottom in pixels; what lies outside the picture is cut off
  int colour = 0;            // boxes of one number look alike; any number
};

/// Thread safety: any thread.
class PictureTools {
 public:
  virtual ~PictureTools() = default;

  /// The encoded bytes behind an image's URL, under the server's rules for addresses and sizes; `param` names the field of the
  /// request in errors. Throws Error: kInvalidRequest, kTooLarge, kForbidden.
  virtual std::shared_ptr<const std::string> fetch(const ImagePart& image, const std::string& param) const = 0;

  /// The picture with boxes and labels drawn on it, as a PNG of the same width and height.
  /// Throws Error: kInvalidRequest or kTooLarge for what is no picture within the limits.
  virtual std::string draw_boxes(std::string_view encoded, const std::vector<DrawnBox>& boxes) const = 0;
};

}  // namespace spyhop
