// GET /load.
#pragma once

#include <string>

#include "spyhop/engine.h"

namespace spyhop {

/// vLLM's "server_load", the answers that run or wait, with what it is made of and the limits beside it.
std::string load_json(const EngineStats& stats);

}  // namespace spyhop
