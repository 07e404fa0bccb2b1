// What the routes that generate have in common.
#pragma once

#include <memory>
#include <string>

#include "api/chat_response_json.h"
#include "api/generation_json.h"
#include "http/route.h"
#include "http/server_state.h"
#include "spyhop/engine.h"

namespace spyhop {

/// The model that a request has found.
struct ServedModel {
  std::shared_ptr<Engine> engine;
  ModelInfo info;

  /// Throws as EngineDirectory::find_engine().
  ServedModel(const ServerState& state, const std::string& name)
      : engine(state.models.find_engine(name)), info(engine->model()) {}
};

/// What this server and its model say about requests.
ChatRequestLimits request_limits(const ServerState& state, const ModelInfo& model);

/// Settles the request's model and id: the one in its body, which then becomes that of the exchange, or else the exchange's.
/// Returns what the answer's objects begin with; its id is `prefix` with the request's own id or with random digits.
CompletionHead begin_request(ChatRequest& request, const std::string& prefix, const ModelInfo& model, Exchange& exchange);

}  // namespace spyhop
