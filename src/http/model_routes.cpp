#include "http/model_routes.h"

#include "api/models_json.h"
#include "common/problem_list.h"
#include "http/answers.h"

namespace spyhop {

void require_model(const std::string& requested, const ModelInfo& served) {
  if (requested == served.id) return;
  throw Error(ErrorCode::kModelNotFound,
              "the model " + in_quotes(requested) + " is not served here; allowed: " + in_quotes(served.id), "model");
}

Routes model_routes(const ServerState& state) {
  Route list{"GET", "/v1/models",
             [&state](RouteCall& call) { answer_json(call.response, model_list_json(state.require_engine().model())); }};
  Route one{"GET", "/v1/models/", [&state](RouteCall& call) {
              const ModelInfo served = state.require_engine().model();
              require_model(call.path_tail, served);
              answer_json(call.response, model_json(served));
            }};
  return {std::move(list), std::move(one)};
}

}  // namespace spyhop
