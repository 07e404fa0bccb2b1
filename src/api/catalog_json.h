// Registered models, engines and caches, in the shapes that clients of xinference parse.
#pragma once

#include <string>
#include <vector>

#include "spyhop/model_catalog.h"

namespace spyhop {

/// GET /v1/model_registrations/LLM: names and origins, or whole entries.
std::string registrations_json(const std::vector<CatalogModel>& models, bool is_detailed);

/// GET /v1/model_registrations/LLM/{model_name}: the entry.
std::string registration_json(const CatalogModel& model);

/// The "model" of POST /v1/model_registrations/LLM: the text of an entry. Throws Error{kInvalidRequest}.
std::string parse_registration(const std::string& body);

/// GET /v1/engines/{model_name}: for each engine, what it runs.
std::string engines_json(const CatalogModel& model);

/// GET /v1/cache/models. `address`: of this server.
std::string cached_json(const std::vector<CachedCheckpoint>& cached, const std::string& address);

/// GET /v1/cache/models/files.
std::string cached_paths_json(const std::string& version, const std::vector<std::string>& paths, const std::string& address);

}  // namespace spyhop
