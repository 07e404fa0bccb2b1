// `spyhop serve`: a server that models are launched into while it runs.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/launch_options.h"
#include "cli/model_server.h"
#include "common/log.h"

namespace spyhop {
namespace {

struct ServeFlags {
  LaunchOptions options;
  std::string metrics_host;
  int metrics_port = 0;
};

constexpr const char* kFooter =
    "Models come and go by spyhop launch -e URL, list and terminate, or by POST and DELETE /v1/models. What is set here holds "
    "for\n"
    "each of them unless its launch says otherwise. Each of these settings can come from a variable, --max-queue from\n"
    "SPYHOP_MAX_QUEUE, or from the file of --config.\n"
    "Example: spyhop serve --port 9997 --admin-api-key SECRET";

}  // namespace

void add_serve_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("serve", "Start a server without a model, for models to be launched into");
  command->alias("xinference-local");
  command->footer(kFooter);
  auto flags = std::make_shared<ServeFlags>();
  declare_serve_options(*command, flags->options);
  const std::string group = "xinference";
  command
      ->add_option("--metrics-exporter-host", flags->metrics_host, "Without effect: GET /metrics is on the server's own port")
      ->configurable(false)
      ->group(group);
  command->add_option("--metrics-exporter-port", flags->metrics_port, "Likewise")->configurable(false)->group(group);
  command->callback([command, flags] {
    LaunchOptions& options = flags->options;
    if (!options.config_path.empty()) apply_config_file(*command, options.config_path);
    resolve_server_options(options);
    set_up_log(options.log_level);
    if (command->count("--metrics-exporter-host") + command->count("--metrics-exporter-port") > 0) {
      spdlog::warn("event=ignored option=metrics-exporter advice=\"metrics are at /metrics of the server's own port\"");
    }
    serve_models(options, std::nullopt);
  });
}

}  // namespace spyhop
