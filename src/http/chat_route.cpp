#include "http/chat_route.h"

#include <memory>
#include <utility>

#include "api/chat_request_json.h"
#include "api/chat_response_json.h"
#include "http/answer_delivery.h"
#include "http/generation_call.h"

namespace spyhop {
namespace {

AnswerShape answer_shape(const ChatCompletionCall& call) {
  return {call.request.n,
          call.request.sampling.logprobs,
          call.wants_boxes,
          call.stream_options.include_usage,
          call.stream_options.continuous_usage,
          call.include_metrics,
          call.request.stop};
}

void handle_chat(RouteCall& call, const ServerState& state) {
  auto body = std::make_unique<RequestBody>(std::move(call.body), chat_fields());
  const ServedModel model(state, body->model());
  ChatCompletionCall parsed = parse_chat_request(*body, request_limits(state, model.info));
  body.reset();
  CompletionHead head = begin_request(parsed.request, "chatcmpl-", model.info, call.exchange);
  const AnswerShape shape = answer_shape(parsed);
  AnswerGroup answers(model.engine, {std::move(parsed.request)}, call.exchange.connection, state);
  head.images = answers.images();
  if (parsed.stream) {
    auto format = std::make_unique<ChunkFormat>(head, shape, answers.prompt_usage());
    return stream_answer(call, {std::move(answers), std::move(format)});
  }
  CompletionBuilder builder(head, shape);
  collect_answer(call, answers, builder);
}

}  // namespace

Route chat_route(const ServerState& state) {
  return {"POST", "/v1/chat/completions", [&state](RouteCall& call) { handle_chat(call, state); }};
}

}  // namespace spyhop
