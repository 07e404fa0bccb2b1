#include "api/completion_response_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "api/error_json.h"
#include "api/json_text.h"
#include "api/logprobs_json.h"
#include "api/usage_json.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

int num_characters(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

/// {tokens, token_logprobs, top_logprobs, text_offset}; `offset` moves on over the tokens.
Json list_logprobs(const std::vector<TokenLogprob>& tokens, int& offset) {
  Json lists = {{"tokens", Json::array()},
                {"token_logprobs", Json::array()},
                {"top_logprobs", Json::array()},
                {"text_offset", Json::array()}};
  for (const TokenLogprob& token : tokens) {
    Json top = {{token.token, shown_logprob(token.logprob)}};
    for (const TopLogprob& other : token.top) top[other.token] = shown_logprob(other.logprob);
    lists["tokens"].push_back(token.token);
    lists["token_logprobs"].push_back(shown_logprob(token.logprob));
    lists["top_logprobs"].push_back(std::move(top));
    lists["text_offset"].push_back(offset);
    offset += num_characters(token.token);
  }
  return lists;
}

Json head_json(const CompletionHead& head) {
  return {{"id", head.id},
          {"object", "text_completion"},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint.empty() ? Json() : Json(head.fingerprint)}};
}

}  // namespace

TextCompletionBuilder::TextCompletionBuilder(CompletionHead head, AnswerShape shape, const std::vector<std::string>& prompts)
    : head_(std::move(head)), shape_(std::move(shape)), choices_(static_cast<size_t>(shape_.num_choices)) {
  for (size_t i = 0; i < prompts.size() && i < choices_.size(); ++i) choices_[i].text = prompts[i];
}

void TextCompletionBuilder::add(const ChatEvent& event) {
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

std::string TextCompletionBuilder::json() const {
  Json choices = Json::array();
  for (const Choice& choice : choices_) {
    int offset = 0;
    choices.push_back({{"text", choice.text},
                       {"index", choices.size()},
                       {"logprobs", shape_.logprobs ? list_logprobs(choice.logprobs, offset) : Json()},
                       {"finish_reason", finish_name(choice.finish.reason)},
                       {"stop_reason", stop_reason_json(choice.finish, shape_.stops)}});
  }
  Json completion = head_json(head_);
  completion["choices"] = std::move(choices);
  completion["usage"] = usage_json(end_.usage);
  if (shape_.include_metrics) completion["metrics"] = metrics_json(end_.timings, end_.usage.completion_tokens);
  return to_text(completion);
}

TextChunkFormat::TextChunkFormat(CompletionHead head, AnswerShape shape, const Usage& prompt_usage,
                                 std::vector<std::string> prompts)
    : head_(std::move(head)),
      shape_(std::move(shape)),
      usage_(prompt_usage, shape_.num_choices),
      prompts_(std::move(prompts)),
      offsets_(static_cast<size_t>(shape_.num_choices)) {}

SseEvent TextChunkFormat::chunk(Json choice) const {
  Json json = head_json(head_);
  json["choices"] = Json::array({std::move(choice)});
  if (shape_.include_usage) json["usage"] = shape_.continuous_usage ? running_usage_json(usage_.so_far()) : Json();
  return {to_text(json)};
}

std::vector<SseEvent> TextChunkFormat::begin() {
  std::vector<SseEvent> events;
  for (size_t i = 0; i < prompts_.size(); ++i) {
    events.push_back(chunk({{"text", prompts_[i]}, {"index", i}, {"logprobs", nullptr}, {"finish_reason", nullptr}}));
  }
  return events;
}

std::vector<SseEvent> TextChunkFormat::add(const ChatEvent& event) {
  if (const auto* delta = std::get_if<TextDelta>(&event)) {
    check_choice(delta->choice, offsets_.size());
    usage_.note(delta->choice, delta->num_tokens);
    if (delta->text.empty() && delta->logprobs.empty()) return {};
    int& offset = offsets_[static_cast<size_t>(delta->choice)];
    return {chunk({{"text", delta->text},
                   {"index", delta->choice},
                   {"logprobs", delta->logprobs.empty() ? Json() : list_logprobs(delta->logprobs, offset)},
                   {"finish_reason", nullptr}})};
  }
  if (const auto* finish = std::get_if<ChoiceFinish>(&event)) {
    usage_.note(finish->choice, finish->num_tokens);
    return {chunk({{"text", ""},
                   {"index", finish->choice},
                   {"logprobs", nullptr},
                   {"finish_reason", finish_name(finish->reason)},
                   {"stop_reason", stop_reason_json(*finish, shape_.stops)}})};
  }
  const auto& end = std::get<StreamEnd>(event);
  if (!shape_.include_usage && !shape_.include_metrics) return {};
  Json json = head_json(head_);
  json["choices"] = Json::array();
  if (shape_.include_usage) json["usage"] = usage_json(end.usage);
  if (shape_.include_metrics) json["metrics"] = metrics_json(end.timings, end.usage.completion_tokens);
  return {{to_text(json)}};
}

std::vector<SseEvent> TextChunkFormat::fail(const Error& error) {
  return {{error_event(error)}};
}

}  // namespace spyhop
