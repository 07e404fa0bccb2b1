#include "api/response_json.h"

#include <ctime>
#include <utility>
#include <variant>

#include "api/error_json.h"
#include "api/json_text.h"
#include "api/logprobs_json.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

const char* status_name(ResponseStatus status) {
  switch (status) {
    case ResponseStatus::kInProgress:
      return "in_progress";
    case ResponseStatus::kCompleted:
      return "completed";
    case ResponseStatus::kIncomplete:
      return "incomplete";
    case ResponseStatus::kCancelled:
      return "cancelled";
    case ResponseStatus::kFailed:
      break;
  }
  return "failed";
}

Json response_usage(const Usage& usage) {
  return {{"input_tokens", usage.prompt_tokens},
          {"input_tokens_details",
           {{"cached_tokens", usage.cached_tokens},
            {"cache_write_tokens", 0},
            {"text_tokens", usage.prompt_tokens - usage.image_tokens},
            {"image_tokens", usage.image_tokens}}},
          {"output_tokens", usage.completion_tokens},
          {"output_tokens_details", {{"reasoning_tokens", 0}}},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

}  // namespace

void ResponseBuilder::add(const ChatEvent& event) {
  if (const auto* delta = std::get_if<TextDelta>(&event)) {
    text_ += delta->text;
    logprobs_.insert(logprobs_.end(), delta->logprobs.begin(), delta->logprobs.end());
  } else if (const auto* finish = std::get_if<ChoiceFinish>(&event)) {
    reason_ = finish->reason;
  } else if (const auto* end = std::get_if<StreamEnd>(&event)) {
    usage_ = end->usage;
    completed_ = std::time(nullptr);
    status_ = reason_ == FinishReason::kLength ? ResponseStatus::kIncomplete : ResponseStatus::kCompleted;
  }
}

Json ResponseBuilder::part() const {
  return {
      {"type", "output_text"}, {"text", text_}, {"annotations", Json::array()}, {"logprobs", token_logprobs_json(logprobs_)}};
}

Json ResponseBuilder::item(const char* status) const {
  const bool is_begun = status != std::string("in_progress");
  return {{"id", head_.message_id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", is_begun ? Json::array({part()}) : Json::array()}};
}

Json ResponseBuilder::object(ResponseStatus status, const Error* error) const {
  const bool is_over = status == ResponseStatus::kCompleted || status == ResponseStatus::kIncomplete;
  const bool is_cut = status == ResponseStatus::kIncomplete;
  Json json = {{"id", head_.id},
               {"object", "response"},
               {"created_at", head_.created},
               {"completed_at", status == ResponseStatus::kCompleted ? Json(completed_) : Json()},
               {"status", status_name(status)},
               {"background", false},
               {"error", error == nullptr ? Json() : Json{{"code", "server_error"}, {"message", error->what()}}},
               {"incomplete_details", is_cut ? Json{{"reason", "max_output_tokens"}} : Json()},
               {"model", head_.model},
               {"output", is_over ? Json::array({item(status_name(status))}) : Json::array()}};
  json.update(head_.settings);
  if (is_over) json["usage"] = response_usage(usage_);
  return json;
}

std::string ResponseBuilder::json() const {
  return to_text(object());
}

SseEvent ResponseStreamFormat::event(const char* type, Json fields) {
  Json json = {{"type", type}, {"sequence_number", num_events_++}};
  json.update(fields);
  return {to_text(json), type};
}

std::vector<SseEvent> ResponseStreamFormat::begin() {
  const std::string& item = builder_.head().message_id;
  std::vector<SseEvent> events;
  events.push_back(event("response.created", {{"response", builder_.object()}}));
  events.push_back(event("response.in_progress", {{"response", builder_.object()}}));
  events.push_back(event("response.output_item.added", {{"output_index", 0}, {"item", builder_.item("in_progress")}}));
  events.push_back(event("response.content_part.added",
                         {{"item_id", item}, {"output_index", 0}, {"content_index", 0}, {"part", builder_.part()}}));
  return events;
}

std::vector<SseEvent> ResponseStreamFormat::add(const ChatEvent& chat_event) {
  builder_.add(chat_event);
  if (std::holds_alternative<StreamEnd>(chat_event)) return end();
  const auto* delta = std::get_if<TextDelta>(&chat_event);
  if (delta == nullptr || (delta->text.empty() && delta->logprobs.empty())) return {};
  return {event("response.output_text.delta", {{"item_id", builder_.head().message_id},
                                               {"output_index", 0},
                                               {"content_index", 0},
                                               {"delta", delta->text},
                                               {"logprobs", token_logprobs_json(delta->logprobs)}})};
}

std::vector<SseEvent> ResponseStreamFormat::end() {
  const Json place = {{"item_id", builder_.head().message_id}, {"output_index", 0}, {"content_index", 0}};
  const char* const status = status_name(builder_.status());
  Json text = place;
  text["text"] = builder_.text();
  text["logprobs"] = token_logprobs_json(builder_.logprobs());
  Json part = place;
  part["part"] = builder_.part();
  std::vector<SseEvent> events;
  events.push_back(event("response.output_text.done", std::move(text)));
  events.push_back(event("response.content_part.done", std::move(part)));
  events.push_back(event("response.output_item.done", {{"output_index", 0}, {"item", builder_.item(status)}}));
  const bool is_cut = builder_.status() == ResponseStatus::kIncomplete;
  events.push_back(event(is_cut ? "response.incomplete" : "response.completed", {{"response", builder_.object()}}));
  return events;
}

std::vector<SseEvent> ResponseStreamFormat::fail(const Error& error) {
  std::vector<SseEvent> events;
  events.push_back(event("error", {{"code", error_shape(error.code()).code},
                                   {"message", error.what()},
                                   {"param", error.param().empty() ? Json() : Json(error.param())}}));
  events.push_back(event("response.failed", {{"response", builder_.object(ResponseStatus::kFailed, &error)}}));
  return events;
}

}  // namespace spyhop
