// GET /v1/models and /v1/models/{id}.
#pragma once

#include <string>
#include <vector>

#include "spyhop/engine.h"

namespace spyhop {

/// One model: OpenAI's four fields, the context length, and what goes in and comes out.
std::string model_json(const ModelInfo& model);

/// The list of the models served.
std::string model_list_json(const std::vector<ModelInfo>& models);

}  // namespace spyhop
