// POST /v1/responses, and what is done with the responses that it stores.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// Creates, shows, lists the input of, cancels and deletes responses, and counts the tokens of requests for them.
Routes response_routes(const ServerState& state);

}  // namespace spyhop
