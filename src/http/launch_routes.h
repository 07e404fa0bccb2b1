// Launching, watching and ending models.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// POST /v1/models, DELETE /v1/models/{model_uid}, and below these what tells about launches: instances, progress, cancel,
/// replicas, events, requests/{request_id}/abort. Stand before routes with wider paths.
Routes launch_routes(const ServerState& state);

}  // namespace spyhop
