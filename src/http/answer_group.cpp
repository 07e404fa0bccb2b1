#include "http/answer_group.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace spyhop {
namespace {

void add_prompt(Usage& sum, const Usage& usage) {
  sum.prompt_tokens += usage.prompt_tokens;
  sum.image_tokens += usage.image_tokens;
}

}  // namespace

AnswerGroup::AnswerGroup(const std::shared_ptr<Engine>& engine, std::vector<ChatRequest> requests, const Connection& connection,
                         const ServerState& state)
    : num_choices_(requests.front().n) {
  for (ChatRequest& request : requests) {
    readers_.push_back(std::make_unique<AnswerReader>(engine, std::move(request), connection, state));
  }
}

std::optional<ChatEvent> AnswerGroup::next() {
  std::optional<ChatEvent> event = readers_[current_]->next();
  if (!event) return event;
  if (const auto* end = std::get_if<StreamEnd>(&*event)) return end_of_one(*end);
  const int first = static_cast<int>(current_) * num_choices_;
  if (auto* delta = std::get_if<TextDelta>(&*event)) delta->choice += first;
  if (auto* finish = std::get_if<ChoiceFinish>(&*event)) finish->choice += first;
  return event;
}

std::optional<ChatEvent> AnswerGroup::end_of_one(const StreamEnd& end) {
  if (readers_.size() == 1) return end;
  add_prompt(total_.usage, end.usage);
  total_.usage.completion_tokens += end.usage.completion_tokens;
  total_.usage.cached_tokens += end.usage.cached_tokens;
  total_.timings.queue_ms = std::max(total_.timings.queue_ms, end.timings.queue_ms);
  total_.timings.first_token_ms = std::max(total_.timings.first_token_ms, end.timings.first_token_ms);
  total_.timings.generation_ms = std::max(total_.timings.generation_ms, end.timings.generation_ms);
  if (++current_ < readers_.size()) return std::nullopt;
  current_ = 0;
  return total_;
}

std::vector<ImageUse> AnswerGroup::images() const {
  std::vector<ImageUse> images;
  for (const auto& reader : readers_) {
    for (const ImageUse& image : reader->images()) images.push_back(image);
  }
  return images;
}

Usage AnswerGroup::prompt_usage() const {
  Usage sum;
  for (const auto& reader : readers_) add_prompt(sum, reader->prompt_usage());
  return sum;
}

}  // namespace spyhop
