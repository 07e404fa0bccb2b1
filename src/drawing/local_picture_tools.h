// Pictures fetched and drawn on by this process.
#pragma once

#include <mutex>

#include "spyhop/config.h"
#include "spyhop/pictures.h"

namespace spyhop {

class LocalPictureTools : public PictureTools {
 public:
  LocalPictureTools(FetchPolicy fetch, const ImageLimits& limits) : policy_(std::move(fetch)), limits_(limits) {}

  std::shared_ptr<const std::string> fetch(const ImagePart& image, const std::string& param) const override;

  /// One picture after the other: each may take six bytes for each of limits.max_pixels.
  std::string draw_boxes(std::string_view encoded, const std::vector<DrawnBox>& boxes) const override;

 private:
  const FetchPolicy policy_;
  const ImageLimits limits_;
  mutable std::mutex drawing_;
};

}  // namespace spyhop
