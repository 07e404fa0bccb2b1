// Scripts that complete command lines in shells.
#pragma once

#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace spyhop {

/// bash, zsh, fish.
const std::vector<std::string>& completed_shells();

/// The script for `shell`, one of completed_shells(): commands, options, and the values of options that have a choice. Where
/// the program's name stands in it, it is `program`.
std::string completion_script(const CommandInfo& root, const std::string& shell, const std::string& program);

}  // namespace spyhop
