#include "engine/response_stream.h"

#include <iterator>
#include <utility>

namespace spyhop {
namespace {

/// Appends `next` to the event before it where both are text of one choice.
bool join(ChatEvent& last, ChatEvent& next) {
  auto* to = std::get_if<TextDelta>(&last);
  auto* from = std::get_if<TextDelta>(&next);
  if (to == nullptr || from == nullptr || to->choice != from->choice) return false;
  to->text += from->text;
  to->logprobs.insert(to->logprobs.end(), std::make_move_iterator(from->logprobs.begin()),
                      std::make_move_iterator(from->logprobs.end()));
  return true;
}

}  // namespace

void ResponseChannel::push(ChatEvent event) {
  {
    std::lock_guard lock(mutex_);
    if (events_.empty() || !join(events_.back(), event)) events_.push_back(std::move(event));
  }
  filled_.notify_one();
}

std::optional<ChatEvent> ResponseChannel::next(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (!filled_.wait_for(lock, timeout, [this] { return !events_.empty(); })) return std::nullopt;
  ChatEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace spyhop
