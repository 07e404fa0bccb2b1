// A server with its models, from its start to its end: what `spyhop serve` and `spyhop launch` have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/launch_options.h"
#include "spyhop/model_host.h"

namespace spyhop {

/// Serves until SIGTERM or SIGINT, or until a client stops it, then drains; a second signal ends the process at once.
/// `options`: of the server, and defaults of its models. `first`: a model to begin with; the server is told to be listening
/// once that is ready, and ends with its Error if it cannot be launched.
void serve_models(const LaunchOptions& options, const std::optional<LaunchRequest>& first);

}  // namespace spyhop
