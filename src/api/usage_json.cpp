#include "api/usage_json.h"

#include <nlohmann/json.hpp>

#include "api/image_plan_json.h"

namespace spyhop {

using Json = nlohmann::ordered_json;

Json usage_json(const Usage& usage, const std::vector<ImageUse>& images) {
  Json json = {
      {"prompt_tokens", usage.prompt_tokens},
      {"completion_tokens", usage.completion_tokens},
      {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
      {"prompt_tokens_details",
       {{"cached_tokens", usage.cached_tokens},
        {"text_tokens", usage.prompt_tokens - usage.image_tokens},
        {"image_tokens", usage.image_tokens},
        {"audio_tokens", 0}}},
      {"completion_tokens_details",
       {{"reasoning_tokens", 0}, {"audio_tokens", 0}, {"accepted_prediction_tokens", 0}, {"rejected_prediction_tokens", 0}}}};
  if (!images.empty()) json["prompt_tokens_details"]["images"] = images_json(images);
  return json;
}

Json running_usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Json metrics_json(const Timings& timings, int num_tokens) {
  const double inference_ms = timings.first_token_ms + timings.generation_ms;
  return {{"time_to_first_token_ms", timings.first_token_ms},
          {"generation_time_ms", timings.generation_ms},
          {"queue_time_ms", timings.queue_ms},
          {"mean_itl_ms", timings.mean_gap_ms ? Json(*timings.mean_gap_ms) : Json()},
          {"tokens_per_second", inference_ms > 0 ? Json(num_tokens * 1000 / inference_ms) : Json()}};
}

}  // namespace spyhop
