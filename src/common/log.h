// Logging: spdlog to stderr, one line per event, key=value.
#pragma once

#include <string>

namespace spyhop {

/// `level`: debug, info, warn or error. The answer of a command goes to stdout, so the log does not.
void set_up_log(const std::string& level);

}  // namespace spyhop
