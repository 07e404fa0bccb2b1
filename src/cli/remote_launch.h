// A launch into a running server, watched from here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "http/api_client.h"

namespace spyhop {

/// Starts the launch that `body` describes, shows how far it has come on stderr and returns the model's uid once it is ready.
/// Throws Error when it fails. SIGINT cancels it, after a question at a terminal; SIGTERM cancels it; both end the process.
std::string launch_remotely(const ApiClient& client, const nlohmann::ordered_json& body);

}  // namespace spyhop
