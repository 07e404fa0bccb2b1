#include "engine/response_stream.h"

#include <iterator>
#include <string>
#include <utility>

namespace spyhop {
namespace {

constexpr size_t kMaxLogprobsPerEvent = 64;  // each becomes kilobytes of JSON, all of an event's at once

/// Memory that an event's text takes, nearly.
size_t size_of(const ChatEvent& event) {
  const auto* delta = std::get_if<TextDelta>(&event);
  if (delta == nullptr) return 0;
  size_t bytes = delta->text.size();
  for (const TokenLogprob& logprob : delta->logprobs) {
    bytes += sizeof(TokenLogprob) + logprob.token.size() + logprob.top.size() * sizeof(TopLogprob);
  }
  return bytes;
}

/// The last text of a choice among `events`, or null.
TextDelta* last_text(std::deque<ChatEvent>& events, int choice) {
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    auto* delta = std::get_if<TextDelta>(&*event);
    if (delta != nullptr && delta->choice == choice) return delta;
  }
  return nullptr;
}

/// Whether `event` has been appended to text that waits.
bool join(std::deque<ChatEvent>& events, ChatEvent& event) {
  auto* from = std::get_if<TextDelta>(&event);
  TextDelta* to = from == nullptr ? nullptr : last_text(events, from->choice);
  if (to == nullptr || to->logprobs.size() + from->logprobs.size() > kMaxLogprobsPerEvent) return false;
  to->text += from->text;
  to->num_tokens = from->num_tokens;
  to->logprobs.insert(to->logprobs.end(), std::make_move_iterator(from->logprobs.begin()),
                      std::make_move_iterator(from->logprobs.end()));
  return true;
}

bool is_last(const ChatEvent& event) {
  return std::holds_alternative<StreamEnd>(event) || std::holds_alternative<StreamError>(event);
}

}  // namespace

void ResponseChannel::push(ChatEvent event) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = is_last(event);
    num_bytes_ += size_of(event);
    if (!join(events_, event)) events_.push_back(std::move(event));
    if (num_bytes_ > max_bytes_) give_up();
  }
  filled_.notify_one();
}

void ResponseChannel::give_up() {
  events_.clear();
  num_bytes_ = 0;
  events_.push_back(StreamError{ErrorCode::kTimeout, "the client does not read its answer: more than " +
                                                         std::to_string(max_bytes_) + " bytes wait for it"});
  ended_ = true;
  cancelled_ = true;
}

std::optional<ChatEvent> ResponseChannel::next(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (!filled_.wait_for(lock, timeout, [this] { return !events_.empty(); })) return std::nullopt;
  ChatEvent event = std::move(events_.front());
  events_.pop_front();
  num_bytes_ -= size_of(event);
  return event;
}

}  // namespace spyhop
