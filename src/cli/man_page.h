// The manual page.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace spyhop {

/// In the man macros of roff: every command with its options, defaults and variables.
std::string man_page(const CommandInfo& root, const std::string& program, const std::string& version);

}  // namespace spyhop
