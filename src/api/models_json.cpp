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

std::string model_list_json(const ModelInfo& model) {
  return to_text({{"object", "list"}, {"data", Json::array({model_object(model)})}});
}

}  // namespace spyhop
