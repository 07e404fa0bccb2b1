// The models that a server knows by name, and what lies in the caches of the hubs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spyhop {

struct CatalogSource {
  std::string hub;
  std::string model_id;
  std::string url;       // may be empty
  std::string revision;  // empty = the hub's default branch
};

struct CatalogVariant {
  std::string format;
  int size_in_billions = 0;
  std::string activated_size;  // billions, "4_5" is 4.5; may be empty
  std::vector<std::string> quantizations;
  std::vector<std::string> engines;
  std::vector<CatalogSource> sources;
  bool is_cached = false;  // a whole checkpoint is in a cache
};

struct CatalogModel {
  std::string name;
  int context_length = 0;  // tokens
  std::vector<std::string> languages;
  std::vector<std::string> abilities;
  std::string description;
  std::vector<std::string> stop;
  std::vector<int> stop_token_ids;
  std::vector<CatalogVariant> variants;
  bool is_builtin = false;
};

/// A checkpoint in a cache.
struct CachedCheckpoint {
  std::string model_name;  // in the registry
  int size_in_billions = 0;
  std::string format;
  std::string hub;
  std::string model_id;
  std::string revision;
  std::string path;
  int64_t bytes = 0;
  bool is_whole = false;

  /// "deepseek-vl2--3B--pytorch--none", by which clients of xinference name it.
  std::string version() const { return model_name + "--" + std::to_string(size_in_billions) + "B--" + format + "--none"; }
};

/// Thread safety: every member may be called from any thread.
class ModelCatalog {
 public:
  virtual ~ModelCatalog() = default;

  virtual std::vector<CatalogModel> models() const = 0;

  /// Throws Error{kModelNotFound, param "model_name"} naming the nearest.
  virtual CatalogModel model(const std::string& name) const = 0;

  /// Registers a model from its JSON. Throws Error{kInvalidRequest} for bad entries, kForbidden for one with a folder that
  /// clients may not name.
  virtual void add(const std::string& json) const = 0;

  /// Throws Error{kModelNotFound}, or kInvalidRequest for a model that is part of the program.
  virtual void remove(const std::string& name) const = 0;

  /// Those of the registry's models; of one of them unless `model_name` is empty.
  virtual std::vector<CachedCheckpoint> cached(const std::string& model_name) const = 0;

  /// Files and folders that remove_cached() would remove. Throws Error{kModelNotFound} for versions that are not cached.
  virtual std::vector<std::string> cached_paths(const std::string& version) const = 0;

  /// Throws Error as cached_paths(), and kUnavailable while a download is going on.
  virtual void remove_cached(const std::string& version) const = 0;
};

}  // namespace spyhop
