// GET /v1/models and /v1/models/{model_uid}.
#pragma once

#include <string>
#include <vector>

#include "spyhop/model_host.h"

namespace spyhop {

/// One model: OpenAI's four fields, the context length, what goes in and comes out, and xinference's description. `address`: of
/// this server, as the client knows it.
std::string model_json(const ModelStatus& model, const std::string& address);

/// The list of the models served.
std::string model_list_json(const std::vector<ModelStatus>& models, const std::string& address);

}  // namespace spyhop
