#include "http/image_plan_route.h"

#include <memory>
#include <utility>

#include "api/image_plan_json.h"
#include "http/answers.h"

namespace spyhop {
namespace {

void plan_images(RouteCall& call, const ServerState& state) {
  ChatRequest request = parse_image_plan_request(call.body, state.config.max_messages);
  call.body = {};
  const std::shared_ptr<Engine> engine = state.models.find_engine(request.model);
  const ModelInfo served = engine->model();
  PromptTokens prompt = engine->tokenize(request, /*with_tokens=*/false);
  answer_json(call.response, image_plan_json({served.id, std::move(prompt.images), static_cast<int>(prompt.ids.size()),
                                              served.max_context, request.max_tokens.value_or(0)}));
}

}  // namespace

Route image_plan_route(const ServerState& state) {
  return {"POST", "/v1/images/plan", [&state](RouteCall& call) { plan_images(call, state); }};
}

}  // namespace spyhop
