// Where a named model comes from: flags of `launch` and `download`, the registry, the hubs.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "hub/fetch_model.h"
#include "registry/model_family.h"

namespace spyhop {

struct ModelSourceFlags {
  std::string model_src = "auto";
  std::string revision;
  std::string download_dir;
  int max_workers = 8;  // connections of a download
};

void declare_model_source(CLI::App& command, ModelSourceFlags& flags);

/// A model of the registry, and how to get it. Thread safety: immutable.
struct ModelSource {
  std::string path;  // the user's own folder; empty = `request`
  ModelRequest request;
  std::optional<ModelConfig> expected;  // what the registry says of the checkpoint
  int max_workers = 8;
};

/// Throws Error naming the flag as param for names, sizes and the like that there are not.
ModelSource find_model_source(const std::string& model_name, const ModelChoice& choice, const ModelSourceFlags& flags);

/// Options of a fetch that shows on stderr what it does.
FetchOptions visible_fetch(const ModelSource& source);

/// The model's checkpoint, as a cache has it or as a hub sends it. `options` as visible_fetch() gives them. Blocks for as long
/// as that takes.
FetchedModel obtain_model(const ModelSource& source, FetchOptions options);

}  // namespace spyhop
