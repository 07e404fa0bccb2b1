#include "cli/commands.h"

#include <CLI/CLI.hpp>

namespace spyhop {

void declare_program(CLI::App& app) {
  app.description("Spyhop: an OpenAI-compatible inference server for the DeepSeek-VL2 models");
  app.set_version_flag("--version", "spyhop " SPYHOP_VERSION);
  app.require_subcommand(1);
  add_launch_command(app);
  add_serve_command(app);
  add_list_command(app);
  add_terminate_command(app);
  add_chat_command(app);
  add_generate_command(app);
  add_stop_cluster_command(app);
  add_config_command(app);
  add_plan_command(app);
  add_registrations_command(app);
  add_register_command(app);
  add_unregister_command(app);
  add_engine_command(app);
  add_download_command(app);
  add_cached_command(app);
  add_remove_cache_command(app);
  add_login_command(app);
  add_verify_command(app);
  add_quantize_command(app);
  add_bench_command(app);
  add_completion_command(app);
  add_man_command(app);
}

}  // namespace spyhop
