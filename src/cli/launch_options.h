// The flags of `spyhop launch` and what they mean for engine and server.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/model_source.h"
#include "cli/sampling_options.h"
#include "spyhop/config.h"

namespace spyhop {

/// Filled in this order of precedence: flags, then SPYHOP_* environment variables, both by CLI11, then the file that --config
/// names, by apply_config_file(), then these defaults.
struct LaunchOptions {
  std::string config_path;  // of that file; empty = none
  EngineConfig engine;
  ServerConfig server;
  std::string model_engine = "libtorch";
  std::string model_format = "pytorch";
  ModelSourceFlags source_flags;
  SamplingFlags sampling;
  std::optional<ModelSource> source;               // of a model that is named and has no model_path
  std::vector<std::string> allowed_model_folders;  // that clients may name as model_path
  std::string log_level = "info";
  std::string kv_cache_memory;  // empty = by default
  int drain_timeout_seconds = 30;
  int request_timeout_seconds = 0;
  int fetch_timeout_ms = 10000;
  int stored_response_ttl_seconds = 3600;
  bool refuses_remote_images = false;
  bool refuses_playground = false;
};

/// Declares every flag on `command`; `options` outlives it.
void declare_launch_options(CLI::App& command, LaunchOptions& options);

/// The same without what makes one model of all: settings of a server and defaults of its models.
void declare_serve_options(CLI::App& command, LaunchOptions& options);

/// Carries over what CLI11 could not put in place by itself. Throws Error for settings that contradict each other.
void resolve_server_options(LaunchOptions& options);

/// Where nothing says which model is meant, it is the one that comes with the program, if one does.
void default_to_bundled_model(EngineConfig& engine);

/// The same, and finds a named model in the registry. Throws Error for what cannot be served.
void resolve_launch_options(LaunchOptions& options);

}  // namespace spyhop
