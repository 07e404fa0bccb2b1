// GET /v1/models and /v1/models/{id}.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// The models served, as a list and each alone. Ids may contain slashes. Throws Error as EngineDirectory::find_engine().
Routes model_routes(const ServerState& state);

}  // namespace spyhop
