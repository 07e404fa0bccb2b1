// The words of the command line, before and after they are parsed.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace spyhop {

/// The words behind the program's name, in the order in which CLI11 takes them: the last first. Short names of several letters,
/// which CLI11 has not, become the long ones: "-en" is "--model-engine", "-mp" is "--model-path". Called xinference-local, or
/// xinference without a command, the program serves, as these do.
std::vector<std::string> command_line_words(int argc, const char* const* argv);

/// What is wrong with a command line that `app` could not parse, with the nearest command or flag for one that there is not;
/// empty when the parser's own words are all there is to say.
std::string explain_unknown_word(const CLI::App& app);

}  // namespace spyhop
