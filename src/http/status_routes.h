// GET /health, /ready, /load, /metrics, /version.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// /health: the process is alive, always 200. /ready: requests would be taken, else 503: the only model is on its way, or the
/// server stops. /load: how busy the engines are, all together; of kv_cache_usage the largest.
/// /metrics: everything counted, as Prometheus reads it; there where state has metrics. /version: this build.
Routes status_routes(const ServerState& state);

}  // namespace spyhop
