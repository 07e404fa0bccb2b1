// POST /v1/chat/completions.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// Parses, submits, then collects the answer or streams it. What is wrong with a request shows as its HTTP status, before
/// any header of a stream; what goes wrong later ends a stream with an error event. A client that goes away is cancelled.
Route chat_route(const ServerState& state);

}  // namespace spyhop
