#include "api/models_json.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

Json model_object(const ModelInfo& model) {
  const Json inputs = Json::array({"text", "image"});
  return {{"id", model.id},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", "spyhop"},
          {"max_model_len", model.max_context},
          {"architecture", {{"input_modalities", inputs}, {"output_modalities", Json::array({"text"})}}},
          {"input_modalities", inputs}};
}

}  // namespace

std::string model_json(const ModelInfo& model) {
  return to_text(model_object(model));
}

std::string model_list_json(const std::vector<ModelInfo>& models) {
  Json data = Json::array();
  for (const ModelInfo& model : models) data.push_back(model_object(model));
  return to_text({{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace spyhop
