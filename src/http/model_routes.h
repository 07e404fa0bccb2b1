// GET /v1/models and /v1/models/{id}.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// The one model served, as a list and alone. Ids may contain slashes. Throws Error{kModelNotFound} for any other id.
Routes model_routes(const ServerState& state);

/// Throws Error{kModelNotFound} naming both unless `requested` is the served id.
void require_model(const std::string& requested, const ModelInfo& served);

}  // namespace spyhop
