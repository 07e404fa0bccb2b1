// What lies in a hub's cache, and removing it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/hub.h"

namespace spyhop {

struct CachedModel {
  std::string hub;
  std::string model_id;
  std::string location;
  std::vector<CachedSnapshot> snapshots;  // not empty
};

/// The models of the hub's cache, sorted: those of its current layout, and of older ones those among `known_ids`.
std::vector<CachedModel> find_cached_models(const Hub& hub, const std::vector<std::string>& known_ids);

/// What remove_cached_model() would remove: folders and links.
struct CacheRemoval {
  std::string hub;
  std::string model_id;
  std::vector<std::string> paths;  // empty = the model is not in the cache
  int64_t bytes = 0;               // of disk
};

/// Changes nothing. Throws Error{kModelLoad} when one of the paths is, or lies behind, a link out of the cache.
CacheRemoval plan_cache_removal(const Hub& hub, const std::string& model_id);

/// Removes all that the cache holds of the model, under the lock that downloads hold. Links are removed, never followed.
/// Returns what was removed. Throws Error: kUnavailable (a download is going on, ours or that of the hub's own tool),
/// kModelLoad (a link out of the cache, no right to remove).
CacheRemoval remove_cached_model(const Hub& hub, const std::string& model_id);

}  // namespace spyhop
