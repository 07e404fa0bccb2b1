#include "http/model_routes.h"

#include "api/models_json.h"
#include "http/answers.h"

namespace spyhop {
namespace {

std::vector<ModelInfo> served_models(const EngineDirectory& models) {
  std::vector<ModelInfo> served;
  for (const auto& engine : models.engines()) served.push_back(engine->model());
  return served;
}

}  // namespace

Routes model_routes(const ServerState& state) {
  Route list{"GET", "/v1/models",
             [&state](RouteCall& call) { answer_json(call.response, model_list_json(served_models(state.models))); }};
  Route one{"GET", "/v1/models/", [&state](RouteCall& call) {
              answer_json(call.response, model_json(state.models.find_engine(call.path_tail)->model()));
            }};
  return {std::move(list), std::move(one)};
}

}  // namespace spyhop
