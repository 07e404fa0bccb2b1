// The page for browsers.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// GET / and GET /playground/FILE, open without a key, as the page asks for it; none where the settings say so. Clients that do
/// not ask for HTML are told that there is nothing at /.
Routes playground_routes(const ServerState& state);

}  // namespace spyhop
