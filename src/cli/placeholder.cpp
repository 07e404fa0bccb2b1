#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace spyhop {
void add_verify_command(CLI::App&) {}
void add_bench_command(CLI::App&) {}
}  // namespace spyhop
