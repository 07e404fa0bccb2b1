#include "cli/registry_catalog.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "cli/allowed_folders.h"
#include "cli/cached_models_view.h"
#include "common/problem_list.h"
#include "hub/cached_models.h"
#include "registry/registry.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// Hub and repository of what is whole in a cache.
using CachedIds = std::set<std::pair<std::string, std::string>>;

CachedIds whole_ids(const std::vector<CachedCheckpoint>& cached) {
  CachedIds ids;
  for (const CachedCheckpoint& each : cached) {
    if (each.is_whole) ids.emplace(each.hub, each.model_id);
  }
  return ids;
}

CatalogVariant to_catalog(const ModelVariant& variant, const CachedIds& cached) {
  CatalogVariant result;
  result.format = variant.format;
  result.size_in_billions = variant.size_in_billions;
  result.activated_size = variant.activated_size;
  result.quantizations = variant.quantizations;
  result.engines = variant.engines;
  result.is_cached = !variant.path.empty();
  for (const HubSource& source : variant.sources) {
    result.sources.push_back({source.hub, source.model_id, source.url, source.revision});
    if (cached.count({source.hub, source.model_id}) > 0) result.is_cached = true;
  }
  return result;
}

CatalogModel to_catalog(const ModelFamily& family, const CachedIds& cached) {
  CatalogModel model{family.name,        family.context_length, family.languages,      family.abilities,
                     family.description, family.stop,           family.stop_token_ids, {},
                     family.is_builtin};
  for (const ModelVariant& variant : family.variants) model.variants.push_back(to_catalog(variant, cached));
  return model;
}

}  // namespace

RegistryCatalog::RegistryCatalog(std::vector<std::string> allowed_model_folders)
    : allowed_model_folders_(std::move(allowed_model_folders)) {}

std::vector<CatalogModel> RegistryCatalog::models() const {
  const CachedIds ids = whole_ids(cached(""));
  std::vector<CatalogModel> models;
  const Registry registry = Registry::load();
  for (const ModelFamily& family : registry.families()) models.push_back(to_catalog(family, ids));
  return models;
}

CatalogModel RegistryCatalog::model(const std::string& name) const {
  return to_catalog(Registry::load().family(name), whole_ids(cached("")));
}

void RegistryCatalog::add(const std::string& json) const {
  try {
    const ModelFamily family = parse_model_family(json, "model", EntryOrigin::kUser);
    for (const ModelVariant& variant : family.variants) {
      if (!variant.path.empty()) require_allowed_folder(variant.path, allowed_model_folders_, "model");
    }
    add_user_model(json, "model");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelLoad) throw;
    throw Error(ErrorCode::kInvalidRequest, error.what(), "model");
  }
}

void RegistryCatalog::remove(const std::string& name) const {
  remove_user_model(name);
}

std::vector<CachedCheckpoint> RegistryCatalog::cached(const std::string& model_name) const {
  std::vector<CachedCheckpoint> list;
  const Registry registry = Registry::load();
  CacheFlags flags;
  flags.model_name = model_name;
  for (const std::unique_ptr<Hub>& hub : hubs_of(flags)) {
    const auto known = known_models(registry, hub->name());
    for (const CachedModel& model : find_cached_models(*hub, chosen_model_ids(registry, hub->name(), flags))) {
      const auto found = known.find(model.model_id);
      if (found == known.end() || (!model_name.empty() && found->second.model_name != model_name)) continue;
      for (const CachedSnapshot& snapshot : model.snapshots) {
        list.push_back({found->second.model_name, found->second.size_in_billions, "pytorch", model.hub, model.model_id,
                        snapshot.revision, snapshot.path, snapshot.bytes, snapshot.is_whole});
      }
    }
  }
  return list;
}

CachedCheckpoint RegistryCatalog::find_cached(const std::string& version) const {
  std::string there;
  for (const CachedCheckpoint& each : cached("")) {
    if (each.version() == version || each.model_id == version) return each;
    there += (there.empty() ? "" : ", ") + each.version();
  }
  throw Error(ErrorCode::kModelNotFound,
              "no cache holds " + in_quotes(version) + (there.empty() ? "; the caches are empty" : "; allowed: " + there),
              "model_version");
}

std::vector<std::string> RegistryCatalog::cached_paths(const std::string& version) const {
  const CachedCheckpoint found = find_cached(version);
  std::vector<std::string> paths;
  for (const std::unique_ptr<Hub>& hub : hubs_of({})) {
    for (const std::string& path : plan_cache_removal(*hub, found.model_id).paths) paths.push_back(path);
  }
  return paths;
}

void RegistryCatalog::remove_cached(const std::string& version) const {
  const CachedCheckpoint found = find_cached(version);
  for (const std::unique_ptr<Hub>& hub : hubs_of({})) {
    if (!plan_cache_removal(*hub, found.model_id).paths.empty()) remove_cached_model(*hub, found.model_id);
  }
}

}  // namespace spyhop
