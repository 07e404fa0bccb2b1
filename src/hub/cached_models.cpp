#include "hub/cached_models.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "hub/cache_files.h"
#include "hub/file_lock.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto difference = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return difference.first == folder.end();
}

/// A link of the model's own may only lead into the model's folder; a folder must be where its path says, without links between
/// the cache's root and it.
void check_entry(const CacheEntry& entry, const std::string& location) {
  std::error_code error;
  const fs::path real = fs::canonical(entry.path, error);
  if (error) {
    if (fs::is_symlink(fs::symlink_status(entry.path))) return;  // it leads nowhere
    throw Error(ErrorCode::kModelLoad, entry.path + ": " + error.message());
  }
  if (fs::is_symlink(fs::symlink_status(entry.path))) {
    const fs::path own = fs::canonical(location, error);
    if (entry.path != location && !error && is_below(real, own)) return;
  } else if (real == fs::canonical(entry.root) / fs::path(entry.path).lexically_relative(entry.root)) {
    return;
  }
  throw Error(ErrorCode::kModelLoad, entry.path + " is " + real.string() +
                                         ", through a link out of the cache, which is not followed; nothing is removed. Remove "
                                         "the link and what it leads to by hand");
}

[[noreturn]] void refuse_while_fetched(const std::string& model_id, const std::string& lock) {
  throw Error(ErrorCode::kUnavailable, model_id + " is being fetched by another process, which holds " + lock +
                                           "; nothing is removed. Wait for it, or end it");
}

}  // namespace

std::vector<CachedModel> find_cached_models(const Hub& hub, const std::vector<std::string>& known_ids) {
  const std::vector<std::string> found = hub.cached_model_ids();
  std::set<std::string> ids(found.begin(), found.end());
  ids.insert(known_ids.begin(), known_ids.end());
  std::vector<CachedModel> models;
  for (const std::string& id : ids) {
    const auto cache = hub.cache(id);
    CachedModel model{hub.name(), id, cache->location(), cache->snapshots()};
    if (!model.snapshots.empty()) models.push_back(std::move(model));
  }
  return models;
}

CacheRemoval plan_cache_removal(const Hub& hub, const std::string& model_id) {
  const auto cache = hub.cache(model_id);
  CacheRemoval removal{hub.name(), model_id, {}, 0};
  for (const CacheEntry& entry : cache->entries()) {
    check_entry(entry, cache->location());
    removal.paths.push_back(entry.path);
    removal.bytes += disk_bytes(entry.path);
  }
  return removal;
}

CacheRemoval remove_cached_model(const Hub& hub, const std::string& model_id) {
  const auto cache = hub.cache(model_id);
  if (cache->entries().empty()) return {hub.name(), model_id, {}, 0};
  const FileLock lock(cache->lock_path(), [&] { refuse_while_fetched(model_id, cache->lock_path()); });
  for (const std::string& path : cache->tool_locks()) {
    if (is_locked(path)) refuse_while_fetched(model_id, path);
  }
  const CacheRemoval removal = plan_cache_removal(hub, model_id);
  for (const std::string& path : removal.paths) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) throw Error(ErrorCode::kModelLoad, path + ": cannot be removed: " + error.message());
  }
  return removal;
}

}  // namespace spyhop
