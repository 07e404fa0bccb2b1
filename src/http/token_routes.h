// POST /tokenize, /detokenize, /v1/chat/completions/input_tokens.
#pragma once

#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// What texts and conversations are as tokens, images included, without anything being generated.
Routes token_routes(const ServerState& state);

}  // namespace spyhop
