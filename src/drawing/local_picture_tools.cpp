#include "drawing/local_picture_tools.h"

#include "drawing/annotate.h"
#include "prompt/image_source.h"

namespace spyhop {

std::shared_ptr<const std::string> LocalPictureTools::fetch(const ImagePart& image, const std::string& param) const {
  if (image.bytes) return image.bytes;
  return std::make_shared<const std::string>(load_image_bytes(image.url, policy_, limits_, param));
}

std::string LocalPictureTools::draw_boxes(std::string_view encoded, const std::vector<DrawnBox>& boxes) const {
  const std::lock_guard<std::mutex> lock(drawing_);
  return encode_png(annotate(decode_image(encoded, limits_), boxes));
}

}  // namespace spyhop
