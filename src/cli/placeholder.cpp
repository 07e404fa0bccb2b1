#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace spyhop {
void add_bench_command(CLI::App&) {}
}  // namespace spyhop
