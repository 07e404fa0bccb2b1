#include "http/completion_route.h"

#include <memory>
#include <utility>
#include <variant>

#include "api/completion_request_json.h"
#include "api/completion_response_json.h"
#include "http/answer_delivery.h"
#include "http/generation_call.h"

namespace spyhop {
namespace {

std::string text_of(const PlainPrompt& prompt, const Engine& engine) {
  if (const auto* text = std::get_if<std::string>(&prompt.content)) return *text;
  return engine.detokenize(std::get<std::vector<int32_t>>(prompt.content));
}

/// The prompt that each choice begins with.
std::vector<PlainPrompt> echoed_prompts(const CompletionCall& call) {
  std::vector<PlainPrompt> prompts;
  if (!call.echo) return prompts;
  for (const ChatRequest& request : call.requests) {
    prompts.insert(prompts.end(), static_cast<size_t>(request.n), *request.prompt);
  }
  return prompts;
}

AnswerShape answer_shape(const CompletionCall& call) {
  const ChatRequest& first = call.requests.front();
  return {first.n * static_cast<int>(call.requests.size()),
          first.sampling.logprobs,
          /*wants_boxes=*/false,
          call.stream_options.include_usage,
          call.stream_options.continuous_usage,
          call.include_metrics,
          first.stop};
}

void handle_completion(RouteCall& call, const ServerState& state) {
  auto body = std::make_unique<RequestBody>(std::move(call.body), completion_fields());
  const ServedModel model(state, body->model());
  CompletionCall parsed = parse_completion_request(*body, request_limits(state, model.info));
  body.reset();
  CompletionHead head;
  for (ChatRequest& request : parsed.requests) head = begin_request(request, "cmpl-", model.info, call.exchange);
  const AnswerShape shape = answer_shape(parsed);
  const std::vector<PlainPrompt> echoed = echoed_prompts(parsed);
  AnswerGroup answers(model.engine, std::move(parsed.requests), call.exchange.connection, state);
  std::vector<std::string> prompts;
  for (const PlainPrompt& prompt : echoed) prompts.push_back(text_of(prompt, *model.engine));
  if (parsed.stream) {
    auto format = std::make_unique<TextChunkFormat>(head, shape, answers.prompt_usage(), prompts);
    return stream_answer(call, {std::move(answers), std::move(format)});
  }
  TextCompletionBuilder builder(head, shape, prompts);
  collect_answer(call, answers, builder);
}

}  // namespace

Route completion_route(const ServerState& state) {
  return {"POST", "/v1/completions", [&state](RouteCall& call) { handle_completion(call, state); }};
}

}  // namespace spyhop
