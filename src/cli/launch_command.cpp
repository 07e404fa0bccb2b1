// `spyhop launch`: a model into a running server, or into a server of its own.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/launch_options.h"
#include "cli/model_server.h"
#include "common/log.h"
#include "runtime/quantization.h"

namespace spyhop {
namespace {

/// What the flags say about the model; all else is the server's.
LaunchRequest request_of(const LaunchOptions& options) {
  const EngineConfig& engine = options.engine;
  LaunchRequest request;
  request.model_name = engine.model_name;
  request.size_in_billions = engine.model_size;
  request.model_engine = options.model_engine;
  request.model_format = options.model_format;
  request.quantization = quantization_name(engine.runtime.quantization);
  request.model_path = engine.model_path;
  request.download_hub = options.source_flags.model_src;
  if (engine.runtime.load_format == LoadFormat::kDummy) {
    request.settings.emplace_back("load-format", "dummy");
    if (request.model_name.empty() && request.model_path.empty()) request.model_name = "deepseek-vl2";
  }
  return request;
}

}  // namespace

void add_launch_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("launch", "Load a checkpoint and serve it over HTTP");
  command->footer(
      "Every option can be set by an environment variable too, --max-queue by SPYHOP_MAX_QUEUE, or by the file of --config, "
      "as\n"
      "max-queue. Flags win, then variables, then the file; `spyhop config` tells what comes from where.\n"
      "Examples: spyhop launch --model-path /models/deepseek-vl2-tiny --model-name deepseek-vl2 --port 9997\n"
      "          spyhop launch --model-engine transformers --model-name deepseek-vl2 --size-in-billions 3 --model-format "
      "pytorch");
  auto options = std::make_shared<LaunchOptions>();
  declare_launch_options(*command, *options);
  command->callback([command, options] {
    if (!options->config_path.empty()) apply_config_file(*command, options->config_path);
    LaunchOptions checked = *options;
    resolve_launch_options(checked);  // before anything is started
    set_up_log(options->log_level);
    resolve_server_options(*options);
    serve_models(*options, request_of(*options));
  });
}

}  // namespace spyhop
