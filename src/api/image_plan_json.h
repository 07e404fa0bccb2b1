// What images take of the context.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// More images than these are not tiled: the model has learned it so.
constexpr size_t kMaxTiledImages = 2;

/// [{"width", "height", "tiles": {"cols", "rows"}, "tokens", "lowered"}]
nlohmann::ordered_json images_json(const std::vector<ImageUse>& images);

/// Sentences about what was done to the images that their sender may not expect; empty when there is nothing to say.
nlohmann::ordered_json image_warnings(const std::vector<ImageUse>& images);

/// The body of POST /v1/images/plan: "images" (URLs, or objects of "url" and "detail") or "messages" as in a chat request, with
/// "model", "max_tokens" and "auto_detail". Throws Error{kInvalidRequest} or Error{kTooLarge} with the field's path as param.
ChatRequest parse_image_plan_request(const std::string& body, int max_messages);

/// What such a request would take.
struct ImagePlan {
  std::string model;
  std::vector<ImageUse> images;
  int num_prompt_tokens = 0;
  int max_context = 0;
  int max_tokens = 0;  // of the answer, where the request says; else 0
};

/// The plan as the route's answer, with what would help where it does not fit.
std::string image_plan_json(const ImagePlan& plan);

}  // namespace spyhop
