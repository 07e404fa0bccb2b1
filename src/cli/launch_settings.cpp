#include "cli/launch_settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/nearest_match.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

std::string field_of(std::string flag) {
  std::replace(flag.begin(), flag.end(), '-', '_');
  return flag;
}

/// Sets an option as the command line would.
void set(const CLI::App& command, const std::string& flag, const std::string& value, const std::string& field) {
  CLI::Option* option = nullptr;
  for (const CLI::Option* each : command.get_options()) {
    const std::vector<std::string>& names = each->get_lnames();
    if (std::find(names.begin(), names.end(), flag) != names.end()) option = const_cast<CLI::Option*>(each);
  }
  try {
    const bool is_switch = option->get_expected_min() == 0;
    option->add_result(is_switch ? option->get_flag_value(flag, value) : value);
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::kInvalidRequest, field + " is " + in_quotes(value) + ": " + error.what(), field);
  }
}

void limit_requests(EngineConfig& engine, int limit) {
  engine.max_num_seqs = std::min(engine.max_num_seqs, limit);
  engine.max_queue = limit - engine.max_num_seqs;
}

}  // namespace

const std::vector<std::string>& client_settings() {
  static const std::vector<std::string> kNames{"compute",
                                               "device",
                                               "load-format",
                                               "dummy-seed",
                                               "revision",
                                               "threads",
                                               "instruction-set",
                                               "max-model-len",
                                               "max-num-seqs",
                                               "max-queue",
                                               "max-n",
                                               "prefill-chunk",
                                               "interleaved-prefill-chunk",
                                               "interleaved-vision-layers",
                                               "kv-cache-memory",
                                               "kv-cache-tokens",
                                               "enable-prefix-caching",
                                               "vision-cache-bytes",
                                               "request-timeout",
                                               "sampling-defaults",
                                               "default-temperature",
                                               "default-top-p",
                                               "default-top-k",
                                               "default-min-p",
                                               "default-repetition-penalty"};
  return kNames;
}

LaunchOptions apply_launch_request(const LaunchOptions& defaults, const LaunchRequest& request) {
  LaunchOptions options = defaults;
  const EngineConfig none;
  options.engine.model_path = none.model_path;
  options.engine.model_name = none.model_name;
  options.engine.model_size = none.model_size;
  options.engine.runtime.load_format = none.runtime.load_format;
  options.engine.runtime.quantization = none.runtime.quantization;
  options.source.reset();

  CLI::App command;
  declare_launch_options(command, options);
  const std::pair<const char*, const std::string&> fields[] = {
      {"model-name", request.model_name},     {"size-in-billions", request.size_in_billions},
      {"model-engine", request.model_engine}, {"model-format", request.model_format},
      {"quantization", request.quantization}, {"model-path", request.model_path},
      {"model-src", request.download_hub}};
  for (const auto& [flag, value] : fields) {
    if (!value.empty()) set(command, flag, value, std::string(flag) == "model-src" ? "download_hub" : field_of(flag));
  }
  for (const auto& [name, value] : request.settings) {
    // The capacity is one of the two, and the client's choice wins.
    if (name == "kv-cache-memory") options.engine.runtime.kv_cache_tokens = 0;
    if (name == "kv-cache-tokens") {
      options.kv_cache_memory.clear();
      options.engine.runtime.kv_cache_bytes = 0;
    }
    const std::vector<std::string>& known = client_settings();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw Error(ErrorCode::kInvalidRequest,
                  "a launch has no field or setting " + in_quotes(field_of(name)) + "; " + allowed_text(name, known),
                  field_of(name));
    }
    set(command, name, value, field_of(name));
  }
  if (request.request_limit) limit_requests(options.engine, *request.request_limit);
  return options;
}

}  // namespace spyhop
