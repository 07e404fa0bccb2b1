// Files with values for a command's flags, such as configs/laptop.json.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace spyhop {

/// Gives the options that neither a flag nor a variable has set what the file says for them, and has them checked as if it had
/// been typed. The file is a JSON object: keys are long names of flags ("max-queue"; "description" is for readers), values are
/// texts or numbers, true or false for flags without a value, arrays for those that may be given several times.
/// Returns the options that now have their value from the file. Throws Error{kInvalidRequest} that lists all problems by key:
/// unknown keys with the nearest one, a flag twice, values that the flag does not take.
std::vector<const CLI::Option*> apply_config_file(CLI::App& command, const std::string& path);

}  // namespace spyhop
