// Models that the server knows by name, and the caches of the hubs.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// /v1/engines, /v1/model_registrations and /v1/cache/models; nothing where state has no catalog.
Routes catalog_routes(const ServerState& state);

}  // namespace spyhop
