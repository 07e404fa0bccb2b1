// `spyhop launch`: a model into a running server, or into a server of its own.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/launch_options.h"
#include "cli/launch_settings.h"
#include "cli/model_server.h"
#include "cli/remote_launch.h"
#include "cli/text_table.h"
#include "cli/xinference_flags.h"
#include "common/log.h"
#include "runtime/quantization.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct LaunchFlags {
  LaunchOptions options;
  XinferenceFlags xinference;
  std::string endpoint;
  std::string model_uid;
  bool prints_json = false;
};

constexpr const char* kFooter =
    "With --endpoint, SPYHOP_ENDPOINT or XINFERENCE_ENDPOINT the model is launched into that server; with none of them into "
    "the\n"
    "server at http://127.0.0.1:9997, if one answers there and no setting of a server is given; else launch serves by itself.\n"
    "Every option can be set by an environment variable too, --max-queue by SPYHOP_MAX_QUEUE, or by the file of --config, as\n"
    "max-queue. Flags win, then variables, then the file; `spyhop config` tells what comes from where.\n"
    "Examples: spyhop launch --model-path /models/deepseek-vl2-tiny --model-name deepseek-vl2 --port 9997\n"
    "          spyhop launch --model-engine transformers --model-name deepseek-vl2 --size-in-billions 3 --model-format "
    "pytorch\n"
    "          spyhop launch -e http://127.0.0.1:9997 --model-name deepseek-vl2 --size-in-billions 3 --model-uid my-model";

/// What the flags say about the model; all else is the server's.
LaunchRequest request_of(const LaunchFlags& flags) {
  const LaunchOptions& options = flags.options;
  const EngineConfig& engine = options.engine;
  LaunchRequest request;
  request.model_uid = flags.model_uid;
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

bool is_typed(const CLI::App& command, const CLI::Option& option) {
  const std::vector<CLI::Option*>& order = command.parse_order();
  return std::find(order.begin(), order.end(), &option) != order.end();
}

/// A flag of the command line that a running server has no use for; null when there is none.
const CLI::Option* server_flag(const CLI::App& command) {
  const std::vector<std::string>& settings = client_settings();
  for (const CLI::Option* option : command.get_options()) {
    const std::string& group = option->get_group();
    if (group != "Server" && group != "Images" && group != "Engine" && group != "Download") continue;
    const std::string name = option->get_lnames().front();
    const bool is_for_clients = name == "api-key" || name == "endpoint" || name == "model-src" || name == "log-level" ||
                                std::find(settings.begin(), settings.end(), name) != settings.end();
    if (!is_for_clients && is_typed(command, *option)) return option;
  }
  return nullptr;
}

/// Where a server runs that the model is to go into; empty: it gets one of its own.
std::string find_endpoint(const CLI::App& command, const LaunchFlags& flags) {
  const std::string named = named_endpoint({flags.endpoint, "", false});
  if (!named.empty()) {
    const CLI::Option* const misplaced = server_flag(command);
    if (misplaced == nullptr) return named;
    throw Error(ErrorCode::kInvalidRequest,
                "--" + misplaced->get_lnames().front() + " is a setting of a server, and the one at " + named +
                    " runs already; leave it out, or start a server with it: spyhop serve",
                misplaced->get_lnames().front());
  }
  const bool has_own_address = command.count("--port") + command.count("--host") > 0;
  if (has_own_address || server_flag(command) != nullptr) return "";
  const std::string standard = ApiClientOptions().endpoint;
  return is_server_at(standard) ? standard : "";
}

/// As it was typed; CLI11 keeps numbers of what stands for one of a few values.
std::string setting_text(const CLI::Option& option, const RuntimeConfig& runtime) {
  const std::string name = option.get_lnames().front();
  if (name == "compute") return runtime.compute == ComputeType::kF32 ? "f32" : "bf16";
  if (name == "device") return runtime.device == DeviceType::kCuda ? "cuda" : "cpu";
  if (name == "load-format") return runtime.load_format == LoadFormat::kDummy ? "dummy" : "safetensors";
  return option.results().back();
}

ordered_json body_of(const CLI::App& command, const LaunchFlags& flags) {
  const LaunchRequest request = request_of(flags);
  ordered_json body;
  const std::pair<const char*, const std::string&> fields[] = {
      {"model_uid", request.model_uid},       {"model_name", request.model_name},
      {"model_engine", request.model_engine}, {"model_size_in_billions", request.size_in_billions},
      {"model_format", request.model_format}, {"quantization", request.quantization},
      {"model_path", request.model_path},     {"download_hub", request.download_hub}};
  for (const auto& [field, value] : fields) {
    if (!value.empty()) body[field] = value;
  }
  for (const std::string& name : client_settings()) {
    const CLI::Option* const option = command.get_option("--" + name);
    if (option->count() == 0) continue;
    std::string field = name;
    std::replace(field.begin(), field.end(), '-', '_');
    if (option->get_expected_min() == 0) {
      body[field] = option->as<bool>();
    } else {
      body[field] = setting_text(*option, flags.options.engine.runtime);
    }
  }
  return body;
}

void run(CLI::App& command, LaunchFlags& flags) {
  LaunchOptions& options = flags.options;
  if (!options.config_path.empty()) apply_config_file(command, options.config_path);
  for (const std::string& note : check_xinference_flags(command, flags.xinference)) {
    std::fprintf(stderr, "spyhop: %s\n", note.c_str());
  }
  default_to_bundled_model(options.engine);
  const std::string endpoint = find_endpoint(command, flags);
  if (!endpoint.empty()) {
    const std::string key = options.server.api_keys.empty() ? "" : options.server.api_keys.front();
    const std::string uid = launch_remotely(ApiClient({endpoint, key}), body_of(command, flags));
    return print_result(flags.prints_json, {{"model_uid", uid}, {"endpoint", endpoint}}, "Model uid: " + uid + "\n");
  }
  LaunchOptions checked = options;
  resolve_launch_options(checked);  // before anything is started
  set_up_log(options.log_level);
  resolve_server_options(options);
  serve_models(options, request_of(flags));
}

}  // namespace

void add_launch_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("launch", "Launch a model: into a running server, or into one of its own");
  command->footer(kFooter);
  auto flags = std::make_shared<LaunchFlags>();
  declare_launch_options(*command, flags->options);
  command->add_option("-u,--model-uid", flags->model_uid, "Name under which requests find it (default: the model's name)")
      ->configurable(false)
      ->group("Model");
  command->add_option("-e,--endpoint", flags->endpoint, "Address of the running server to launch it into")
      ->envname("SPYHOP_ENDPOINT")
      ->configurable(false)
      ->group("Model");
  command->add_flag("--json", flags->prints_json, "Print the model's uid as JSON, where it was launched into a running server")
      ->configurable(false)
      ->group("Model");
  declare_xinference_flags(*command, flags->xinference);
  command->callback([command, flags] { run(*command, *flags); });
}

}  // namespace spyhop
