// What the registry and the hubs' caches hold, as clients of a server see it.
#pragma once

#include <string>
#include <vector>

#include "spyhop/model_catalog.h"

namespace spyhop {

/// Reads files at every call: what a command of the same user changes is seen at once.
class RegistryCatalog : public ModelCatalog {
 public:
  /// `allowed_model_folders`: that an entry may name.
  explicit RegistryCatalog(std::vector<std::string> allowed_model_folders);

  std::vector<CatalogModel> models() const override;
  CatalogModel model(const std::string& name) const override;
  void add(const std::string& json) const override;
  void remove(const std::string& name) const override;
  std::vector<CachedCheckpoint> cached(const std::string& model_name) const override;
  std::vector<std::string> cached_paths(const std::string& version) const override;
  void remove_cached(const std::string& version) const override;

 private:
  CachedCheckpoint find_cached(const std::string& version) const;

  const std::vector<std::string> allowed_model_folders_;
};

}  // namespace spyhop
