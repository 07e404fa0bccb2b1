// ModelScope: its API, and the caches of its tools.
#pragma once

#include "hub/hub.h"

namespace spyhop {

std::unique_ptr<Hub> make_modelscope(HubSettings settings);

/// The layout models/OWNER--NAME/snapshots/REVISION/PATH under `root`, and that of the tools before 2026, models/OWNER/NAME
/// with an index, under `old_root`.
std::unique_ptr<ModelCache> make_modelscope_cache(const std::string& root, const std::string& old_root,
                                                  const std::string& model_id);

}  // namespace spyhop
