// From what a client asks for to an engine: registry, hub, memory plan, checkpoint.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/launch_options.h"
#include "host/model_launch.h"

namespace spyhop {

class Metrics;

struct LaunchSettings {
  LaunchOptions defaults;                          // of all models
  std::vector<std::string> allowed_model_folders;  // that clients may name as model_path
  Metrics* metrics = nullptr;                      // outlives the engines
};

/// Memory is planned against what the machine has when this is called, less what the models loaded meanwhile were planned with:
/// mapped weights count as free memory to the kernel.
LaunchFactory make_launch_factory(LaunchSettings settings);

}  // namespace spyhop
