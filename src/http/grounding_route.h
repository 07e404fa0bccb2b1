// POST /v1/grounding: where things are in an image, as JSON or drawn.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

Route grounding_route(const ServerState& state);

}  // namespace spyhop
