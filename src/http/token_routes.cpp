#include "http/token_routes.h"

#include <utility>

#include "api/chat_request_json.h"
#include "api/token_json.h"
#include "http/answers.h"
#include "http/generation_call.h"

namespace spyhop {
namespace {

void tokenize(RouteCall& call, const ServerState& state) {
  const RequestBody body(std::move(call.body), tokenize_fields());
  const ServedModel model(state, body.model());
  const TokenizeCall parsed = parse_tokenize_request(body, request_limits(state, model.info));
  const PromptTokens prompt = model.engine->tokenize(parsed.request, parsed.with_tokens);
  answer_json(call.response, tokenize_json(prompt, model.info, parsed.with_tokens));
}

void detokenize(RouteCall& call, const ServerState& state) {
  const RequestBody body(std::move(call.body), detokenize_fields());
  const ServedModel model(state, body.model());
  answer_json(call.response, detokenize_json(model.engine->detokenize(parse_detokenize_request(body))));
}

void count_chat_tokens(RouteCall& call, const ServerState& state) {
  const RequestBody body(std::move(call.body), chat_fields());
  const ServedModel model(state, body.model());
  const ChatCompletionCall parsed = parse_chat_request(body, request_limits(state, model.info));
  answer_json(call.response, input_tokens_json(model.engine->tokenize(parsed.request, /*with_tokens=*/false)));
}

}  // namespace

Routes token_routes(const ServerState& state) {
  return {{"POST", "/tokenize", [&state](RouteCall& call) { tokenize(call, state); }},
          {"POST", "/detokenize", [&state](RouteCall& call) { detokenize(call, state); }},
          {"POST", "/v1/chat/completions/input_tokens", [&state](RouteCall& call) { count_chat_tokens(call, state); }}};
}

}  // namespace spyhop
