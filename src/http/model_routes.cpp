#include "http/model_routes.h"

#include <utility>
#include <vector>

#include "api/models_json.h"
#include "http/answers.h"

namespace spyhop {
namespace {

void list_models(RouteCall& call, const ServerState& state) {
  std::vector<ModelStatus> served;
  for (ModelStatus& model : state.models.models()) {
    if (model.state == ModelState::kReady) served.push_back(std::move(model));
  }
  answer_json(call.response, model_list_json(served, server_address(call)));
}

void describe_model(RouteCall& call, const ServerState& state) {
  const std::string& uid = call.path_values[0];
  static_cast<void>(state.models.find_engine(uid));  // throws for one that is not served yet
  answer_json(call.response, model_json(state.models.model(uid), server_address(call)));
}

}  // namespace

Routes model_routes(const ServerState& state) {
  return {{"GET", "/v1/models", [&state](RouteCall& call) { list_models(call, state); }},
          {"GET", "/v1/models/{model_uid}", [&state](RouteCall& call) { describe_model(call, state); }}};
}

}  // namespace spyhop
