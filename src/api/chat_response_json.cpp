#include "api/chat_response_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "api/error_json.h"
#include "api/grounding.h"
#include "api/image_plan_json.h"
#include "api/json_text.h"
#include "api/logprobs_json.h"
#include "api/usage_json.h"

namespace spyhop {

using Json = nlohmann::ordered_json;

const char* finish_name(FinishReason reason) {
  return reason == FinishReason::kLength ? "length" : "stop";
}

Json stop_reason_json(const ChoiceFinish& finish, const std::vector<std::string>& stops) {
  if (finish.is_loop) return "repetition";
  if (finish.stop_string >= 0 && static_cast<size_t>(finish.stop_string) < stops.size()) {
    return stops[static_cast<size_t>(finish.stop_string)];
  }
  return finish.stop_token >= 0 ? Json(finish.stop_token) : Json();
}

void check_choice(int index, size_t num_choices) {
  if (index >= 0 && static_cast<size_t>(index) < num_choices) return;
  throw Error(ErrorCode::kInternal, "an event for choice " + std::to_string(index) + " of " + std::to_string(num_choices));
}

namespace {

Json head_json(const CompletionHead& head, const char* object) {
  return {{"id", head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint.empty() ? Json() : Json(head.fingerprint)}};
}

}  // namespace

CompletionBuilder::CompletionBuilder(CompletionHead head, AnswerShape shape)
    : head_(std::move(head)), shape_(std::move(shape)), choices_(static_cast<size_t>(shape_.num_choices)) {}

void CompletionBuilder::add(const ChatEvent& event) {
  if (const auto* delta = std::get_if<TextDelta>(&event)) {
    check_choice(delta->choice, choices_.size());
    Choice& target = choices_[static_cast<size_t>(delta->choice)];
    target.text += delta->text;
    target.logprobs.insert(target.logprobs.end(), delta->logprobs.begin(), delta->logprobs.end());
  } else if (const auto* finish = std::get_if<ChoiceFinish>(&event)) {
    check_choice(finish->choice, choices_.size());
    choices_[static_cast<size_t>(finish->choice)].finish = *finish;
  } else if (const auto* end = std::get_if<StreamEnd>(&event)) {
    end_ = *end;
  }
}

std::string CompletionBuilder::json() const {
  Json choices = Json::array();
  for (const Choice& choice : choices_) {
    choices.push_back({{"index", choices.size()},
                       {"message", {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}}},
                       {"logprobs", shape_.logprobs ? logprobs_json(choice.logprobs) : Json()},
                       {"finish_reason", finish_name(choice.finish.reason)},
                       {"stop_reason", stop_reason_json(choice.finish, shape_.stops)}});
    const std::optional<AnswerBoxes> boxes = boxes_of(choice.text, shape_.wants_boxes, head_.images);
    if (boxes) choices.back()["message"]["grounding"] = grounding_json(*boxes);
  }
  Json completion = head_json(head_, "chat.completion");
  completion["choices"] = std::move(choices);
  completion["usage"] = usage_json(end_.usage, head_.images);
  Json warnings = image_warnings(head_.images);
  if (!warnings.empty()) completion["warnings"] = std::move(warnings);
  if (shape_.include_metrics) completion["metrics"] = metrics_json(end_.timings, end_.usage.completion_tokens);
  return to_text(completion);
}

ChunkFormat::ChunkFormat(CompletionHead head, AnswerShape shape, const Usage& prompt_usage)
    : head_(std::move(head)),
      shape_(std::move(shape)),
      usage_(prompt_usage, shape_.num_choices),
      answers_(static_cast<size_t>(shape_.num_choices)) {}

SseEvent ChunkFormat::chunk(Json choice, Json warnings) const {
  Json json = head_json(head_, "chat.completion.chunk");
  json["choices"] = Json::array({std::move(choice)});
  if (!warnings.empty()) json["warnings"] = std::move(warnings);
  if (shape_.include_usage) json["usage"] = shape_.continuous_usage ? running_usage_json(usage_.so_far()) : Json();
  return {to_text(json)};
}

std::vector<SseEvent> ChunkFormat::begin() {
  std::vector<SseEvent> events;
  for (int choice = 0; choice < shape_.num_choices; ++choice) {
    events.push_back(chunk({{"index", choice},
                            {"delta", {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}},
                            {"logprobs", nullptr},
                            {"finish_reason", nullptr}},
                           choice == 0 ? image_warnings(head_.images) : Json()));
  }
  return events;
}

std::vector<SseEvent> ChunkFormat::add(const ChatEvent& event) {
  if (const auto* delta = std::get_if<TextDelta>(&event)) {
    check_choice(delta->choice, answers_.size());
    usage_.note(delta->choice, delta->num_tokens);
    if (!head_.images.empty()) answers_[static_cast<size_t>(delta->choice)] += delta->text;
    if (delta->text.empty() && delta->logprobs.empty()) return {};
    return {chunk({{"index", delta->choice},
                   {"delta", {{"content", delta->text}}},
                   {"logprobs", delta->logprobs.empty() ? Json() : logprobs_json(delta->logprobs)},
                   {"finish_reason", nullptr}})};
  }
  if (const auto* finish = std::get_if<ChoiceFinish>(&event)) {
    usage_.note(finish->choice, finish->num_tokens);
    check_choice(finish->choice, answers_.size());
    const std::string& answer = answers_[static_cast<size_t>(finish->choice)];
    const std::optional<AnswerBoxes> boxes = boxes_of(answer, shape_.wants_boxes, head_.images);
    return {chunk({{"index", finish->choice},
                   {"delta", boxes ? Json{{"grounding", grounding_json(*boxes)}} : Json::object()},
                   {"logprobs", nullptr},
                   {"finish_reason", finish_name(finish->reason)},
                   {"stop_reason", stop_reason_json(*finish, shape_.stops)}})};
  }
  const auto& end = std::get<StreamEnd>(event);
  if (!shape_.include_usage && !shape_.include_metrics) return {};
  Json json = head_json(head_, "chat.completion.chunk");
  json["choices"] = Json::array();
  if (shape_.include_usage) json["usage"] = usage_json(end.usage, head_.images);
  if (shape_.include_metrics) json["metrics"] = metrics_json(end.timings, end.usage.completion_tokens);
  return {{to_text(json)}};
}

std::vector<SseEvent> ChunkFormat::fail(const Error& error) {
  return {{error_event(error)}};
}

}  // namespace spyhop
