// Answers on their way to the client, at once or as a stream.
#pragma once

#include <functional>
#include <memory>

#include "api/answer_format.h"
#include "http/answer_group.h"
#include "http/route.h"

namespace spyhop {

/// Waits for the whole answer and sends it. Throws what AnswerGroup::next() throws.
void collect_answer(RouteCall& call, AnswerGroup& answers, AnswerBuilder& builder);

/// A stream and who hears of it.
struct StreamDelivery {
  AnswerGroup answers;
  std::unique_ptr<StreamFormat> format;
  std::function<void(const ChatEvent& event)> watch{};  // told every event before it is sent; may be empty
};

/// Sends the answer as it comes, once the response's headers are out: what goes wrong from then on is the stream's last event.
/// A client that goes away is cancelled.
void stream_answer(RouteCall& call, StreamDelivery delivery);

}  // namespace spyhop
