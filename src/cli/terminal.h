// Questions to whoever sits at the terminal.
#pragma once

#include <optional>
#include <string>

namespace spyhop {

/// Whether both questions and answers go over a terminal: stdin and stderr are one.
bool is_interactive();

/// Asks on stderr; true for "y" or "yes", whatever the case. Anything else, and the end of stdin, is a no.
bool ask_yes_or_no(const std::string& question);

/// A line from stdin, at most 64 KiB; at a terminal it is asked for by `prompt` on stderr and not shown while it is typed.
/// Nothing at the end of stdin. Interrupted, the terminal shows again what is typed.
std::optional<std::string> read_secret(const std::string& prompt);

}  // namespace spyhop
