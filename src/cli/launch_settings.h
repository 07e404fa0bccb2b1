// Settings of one model that a client of a running server asks for.
#pragma once

#include <string>
#include <vector>

#include "cli/launch_options.h"
#include "spyhop/model_host.h"

namespace spyhop {

/// Names of the flags of `spyhop launch` that a client may set for its model, without dashes. Not among them is what concerns
/// the whole server, or what only its owner may decide: addresses, files, limits against hostile requests.
const std::vector<std::string>& client_settings();

/// `defaults` with what the request asks for, through the same checks as the command line; the model of `defaults` does not
/// count. Throws Error naming the field.
LaunchOptions apply_launch_request(const LaunchOptions& defaults, const LaunchRequest& request);

}  // namespace spyhop
