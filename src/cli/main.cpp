// Process entry: composes the subcommands; the top-level catch turns an Error into a message and an exit status.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "cli/commands.h"

int main(int argc, char** argv) {
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
