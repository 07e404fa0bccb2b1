#include "api/chat_response_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/image_plan_json.h"
#include "api/json_text.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLowestLogprob = -9999.0;  // JSON has no -Infinity

/// As vLLM has it: what of the request ended the answer; "repetition" is the loop guard.
Json stop_reason(const ChoiceFinish& finish) {
  if (finish.is_loop) return "repetition";
  return nullptr;
}

const char* finish_name(FinishReason reason) {
  return reason == FinishReason::kLength ? "length" : "stop";
}

Json token_json(const std::string& token, double logprob) {
  Json bytes = Json::array();
  for (const char byte : token) bytes.push_back(static_cast<unsigned char>(byte));
  const bool in_range = logprob > kLowestLogprob;  // false for NaN as well
  return {{"token", token}, {"logprob", in_range ? std::min(logprob, 0.0) : kLowestLogprob}, {"bytes", std::move(bytes)}};
}

Json logprobs_json(const std::vector<TokenLogprob>& tokens) {
  Json content = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json top = Json::array();
    for (const TopLogprob& other : token.top) top.push_back(token_json(other.token, other.logprob));
    content.push_back(token_json(token.token, token.logprob));
    content.back()["top_logprobs"] = std::move(top);
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

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

/// With the names of vLLM's per-request metrics.
Json metrics_json(const Timings& timings, int num_tokens) {
  const double inference_ms = timings.first_token_ms + timings.generation_ms;
  return {{"time_to_first_token_ms", timings.first_token_ms},
          {"generation_time_ms", timings.generation_ms},
          {"queue_time_ms", timings.queue_ms},
          {"mean_itl_ms", timings.mean_gap_ms ? Json(*timings.mean_gap_ms) : Json()},
          {"tokens_per_second", inference_ms > 0 ? Json(num_tokens * 1000 / inference_ms) : Json()}};
}

Json head_json(const CompletionHead& head, const char* object) {
  return {{"id", head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint.empty() ? Json() : Json(head.fingerprint)}};
}

struct ChunkChoice {
  int index = 0;
  Json delta = Json::object();
  Json logprobs;
  Json finish_reason;
  Json stop_reason;
};

/// A chunk of one choice; `warnings` where there are some.
std::string chunk(const CompletionHead& head, bool include_usage, ChunkChoice choice, Json warnings = {}) {
  Json json = head_json(head, "chat.completion.chunk");
  const bool is_last = !choice.finish_reason.is_null();
  json["choices"] = Json::array({{{"index", choice.index},
                                  {"delta", std::move(choice.delta)},
                                  {"logprobs", std::move(choice.logprobs)},
                                  {"finish_reason", std::move(choice.finish_reason)}}});
  if (is_last) json["choices"][0]["stop_reason"] = std::move(choice.stop_reason);
  if (!warnings.empty()) json["warnings"] = std::move(warnings);
  if (include_usage) json["usage"] = nullptr;
  return to_text(json);
}

}  // namespace

CompletionBuilder::CompletionBuilder(CompletionHead head, const AnswerShape& shape)
    : head_(std::move(head)), choices_(static_cast<size_t>(shape.num_choices)), shape_(shape) {}

CompletionBuilder::Choice& CompletionBuilder::choice(int index) {
  if (index < 0 || static_cast<size_t>(index) >= choices_.size()) {
    throw Error(ErrorCode::kInternal,
                "an event for choice " + std::to_string(index) + " of " + std::to_string(choices_.size()));
  }
  return choices_[static_cast<size_t>(index)];
}

void CompletionBuilder::add(const TextDelta& delta) {
  Choice& target = choice(delta.choice);
  target.text += delta.text;
  target.logprobs.insert(target.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
}

void CompletionBuilder::add(const ChoiceFinish& finish) {
  choice(finish.choice).finish = finish;
}

std::string CompletionBuilder::json(const Usage& usage, const std::optional<Timings>& timings) const {
  Json choices = Json::array();
  for (const Choice& choice : choices_) {
    choices.push_back({{"index", choices.size()},
                       {"message", {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}}},
                       {"logprobs", shape_.logprobs ? logprobs_json(choice.logprobs) : Json()},
                       {"finish_reason", finish_name(choice.finish.reason)},
                       {"stop_reason", stop_reason(choice.finish)}});
    const std::optional<AnswerBoxes> boxes = boxes_of(choice.text, shape_.wants_boxes, head_.images);
    if (boxes) choices.back()["message"]["grounding"] = grounding_json(*boxes);
  }
  Json completion = head_json(head_, "chat.completion");
  completion["choices"] = std::move(choices);
  completion["usage"] = usage_json(usage, head_.images);
  Json warnings = image_warnings(head_.images);
  if (!warnings.empty()) completion["warnings"] = std::move(warnings);
  if (timings) completion["metrics"] = metrics_json(*timings, usage.completion_tokens);
  return to_text(completion);
}

ChunkFormat::ChunkFormat(CompletionHead head, bool include_usage) : head_(std::move(head)), include_usage_(include_usage) {}

std::string ChunkFormat::role(int choice) const {
  return chunk(head_, include_usage_, {choice, {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}, {}, {}, {}},
               choice == 0 ? image_warnings(head_.images) : Json());
}

std::string ChunkFormat::delta(const TextDelta& delta) const {
  Json logprobs = delta.logprobs.empty() ? Json() : logprobs_json(delta.logprobs);
  return chunk(head_, include_usage_, {delta.choice, {{"content", delta.text}}, std::move(logprobs), {}, {}});
}

std::string ChunkFormat::finish(const ChoiceFinish& finish, const std::optional<AnswerBoxes>& boxes) const {
  Json delta = Json::object();
  if (boxes) delta["grounding"] = grounding_json(*boxes);
  return chunk(head_, include_usage_, {finish.choice, std::move(delta), {}, finish_name(finish.reason), stop_reason(finish)});
}

std::string ChunkFormat::last(const Usage& usage, const std::optional<Timings>& timings) const {
  Json json = head_json(head_, "chat.completion.chunk");
  json["choices"] = Json::array();
  if (include_usage_) json["usage"] = usage_json(usage, head_.images);
  if (timings) json["metrics"] = metrics_json(*timings, usage.completion_tokens);
  return to_text(json);
}

}  // namespace spyhop
