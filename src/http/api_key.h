// API keys.
#pragma once

#include <httplib.h>

#include <string>
#include <vector>

namespace spyhop {

/// Throws Error{kUnauthorized} unless `keys` is empty or the request carries one of them, as "Authorization: Bearer KEY" or
/// "x-api-key: KEY". The time taken does not depend on where keys differ.
void require_api_key(const httplib::Request& request, const std::vector<std::string>& keys);

}  // namespace spyhop
