// What clients of xinference ask about its cluster, which is one process here.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// /v1/cluster/auth, info, version and devices, /v1/address, /status, and DELETE /v1/clusters, which stops the server.
Routes cluster_routes(const ServerState& state);

}  // namespace spyhop
