// Process entry: composes the subcommands; the top-level catch turns an Error into a message and an exit status.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "cli/commands.h"

namespace {

/// Compute threads that wait are to sleep: OpenMP's own way is to spin, which on cores shared with HTTP work costs a scheduling
/// quantum per operation (measured beside a busy compiler: a seventeenth of the tokens per second). libgomp reads its settings
/// as it is loaded, so the program starts itself again with them. Whoever sets them knows better and is left alone.
void let_idle_compute_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::execv("/proc/self/exe", argv);  // comes back only where there is no /proc: then threads spin
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-') let_idle_compute_threads_sleep(argv);
  CLI::App app{"Spyhop: an OpenAI-compatible inference server for the DeepSeek-VL2 models"};
  app.set_version_flag("--version", "spyhop " SPYHOP_VERSION);
  app.require_subcommand(1);
  spyhop::add_launch_command(app);
  spyhop::add_verify_command(app);
  spyhop::add_bench_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "spyhop: %s\n", e.what());
    return 1;
  }
  return 0;
}
