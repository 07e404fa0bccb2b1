// Models in the hubs' caches, with the names that the registry has for them.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "registry/registry.h"

namespace spyhop {

/// Where a command looks for models, and for which.
struct CacheFlags {
  std::string model_name;  // of the registry, or OWNER/NAME on the hub
  std::string size;        // empty = all sizes
  std::string model_src = "auto";
  std::string download_dir;
  bool prints_json = false;
};

/// Declares --size-in-billions, --model-src, --download-dir and --json.
void declare_cache_flags(CLI::App& command, CacheFlags& flags);

/// The hubs that the flags mean.
std::vector<std::unique_ptr<Hub>> hubs_of(const CacheFlags& flags);

/// What the registry says about a repository.
struct KnownModel {
  std::string model_name;
  int size_in_billions = 0;
};

/// By repository of the hub.
std::map<std::string, KnownModel> known_models(const Registry& registry, const std::string& hub);

/// The repositories of the hub that the flags name: all known ones without a name. Throws Error naming the nearest for names
/// and sizes that there are not.
std::vector<std::string> chosen_model_ids(const Registry& registry, const std::string& hub, const CacheFlags& flags);

}  // namespace spyhop
