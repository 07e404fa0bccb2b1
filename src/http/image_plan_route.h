// POST /v1/images/plan.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// How a request's images would be tiled and what they take of the context. Nothing is generated.
Route image_plan_route(const ServerState& state);

}  // namespace spyhop
