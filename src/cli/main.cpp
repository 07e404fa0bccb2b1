// Process entry: composes the subcommands; the top-level catch turns an Error into a message and an exit status.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "cli/commands.h"

namespace {

/// A step's activations come and go with every operation. By default the C library gives each large one back to the system and has
/// its pages cleared anew: a tenth of the time of a prompt. Few arenas, so that the many threads of connections do not keep some
/// each.
void keep_freed_memory() {
  constexpr int kLargestShared = 32 << 20;  // bytes; as far as the library goes
  constexpr int kKept = 64 << 20;           // of an arena
  constexpr int kArenas = 4;
  ::mallopt(M_MMAP_THRESHOLD, kLargestShared);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  ::mallopt(M_ARENA_MAX, kArenas);
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  CLI::App app{"Spyhop: an OpenAI-compatible inference server for the DeepSeek-VL2 models"};
  app.set_version_flag("--version", "spyhop " SPYHOP_VERSION);
  app.require_subcommand(1);
  spyhop::add_launch_command(app);
  spyhop::add_plan_command(app);
  spyhop::add_download_command(app);
  spyhop::add_verify_command(app);
  spyhop::add_quantize_command(app);
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
