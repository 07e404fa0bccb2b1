// Answers of a running server.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "http/api_client.h"

namespace spyhop {

/// What a server answers to GET `path`. Throws Error as ApiClient, and for what is no JSON.
nlohmann::ordered_json ask_json(const ApiClient& client, const std::string& path);

/// `body` as JSON. Throws Error{kUnavailable, param "endpoint"} for what is none.
nlohmann::ordered_json parse_answer(const ApiClient& client, const std::string& body);

}  // namespace spyhop
