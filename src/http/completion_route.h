// POST /v1/completions.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// As the route of chat completions, for prompts that are continued as they stand.
Route completion_route(const ServerState& state);

}  // namespace spyhop
