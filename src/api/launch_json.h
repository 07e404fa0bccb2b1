// POST /v1/models, as clients of xinference send it.
#pragma once

#include <string>

#include "spyhop/model_host.h"

namespace spyhop {

/// Reads the body. What one machine and one family cannot do (several replicas or workers, GPUs by number, adapters, variables
/// for the model's process) throws Error{kInvalidRequest or kUnsupported} naming the field; what has no meaning here
/// (worker_ip, virtual environments, trust_remote_code) is accepted and ignored. Fields that are not xinference's become
/// settings.
LaunchRequest parse_launch_request(const std::string& body);

}  // namespace spyhop
