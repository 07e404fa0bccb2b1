#include "api/grounding_answer.h"

#include <nlohmann/json.hpp>
#include <variant>

#include "api/image_plan_json.h"
#include "api/json_text.h"
#include "api/usage_json.h"
#include "common/utf8.h"

namespace spyhop {

using Json = nlohmann::ordered_json;

void PhraseAnswer::add(const ChatEvent& event) {
  if (const auto* delta = std::get_if<TextDelta>(&event)) text_ += delta->text;
  if (const auto* finish = std::get_if<ChoiceFinish>(&event)) finish_ = *finish;
  if (const auto* end = std::get_if<StreamEnd>(&event)) usage_ = end->usage;
}

Json PhraseAnswer::json() const {
  return {{"phrase", phrase_},
          {"boxes", grounding_json({boxes(), {image_}})},
          {"text", replace_invalid_utf8(text_)},
          {"finish_reason", finish_name(finish_.reason)},
          {"stop_reason", stop_reason_json(finish_, {})}};
}

std::string grounding_answer_json(const CompletionHead& head, const std::vector<PhraseAnswer>& answers) {
  Usage sum;
  Json results = Json::array();
  for (const PhraseAnswer& answer : answers) {
    Json result{{"index", results.size()}};
    result.update(answer.json());
    results.push_back(std::move(result));
    sum.prompt_tokens += answer.usage().prompt_tokens;
    sum.image_tokens += answer.usage().image_tokens;
    sum.cached_tokens += answer.usage().cached_tokens;
    sum.completion_tokens += answer.usage().completion_tokens;
  }
  const std::vector<ImageUse> images{answers.front().image()};
  Json json{{"id", head.id},
            {"object", "grounding"},
            {"created", head.created},
            {"model", head.model},
            {"system_fingerprint", head.fingerprint.empty() ? Json() : Json(head.fingerprint)},
            {"image", images_json(images).front()},
            {"results", std::move(results)},
            {"usage", usage_json(sum)}};
  if (const Json warnings = image_warnings(images); !warnings.empty()) json["warnings"] = warnings;
  return to_text(json);
}

}  // namespace spyhop
