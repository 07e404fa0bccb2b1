#include "api/models_json.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json model_object(const ModelStatus& status, const std::string& address) {
  const ModelDescription& model = status.description;
  const Json inputs = Json::array({"text", "image"});
  return {{"id", model.uid},
          {"object", "model"},
          {"created", status.created},
          {"owned_by", "spyhop"},
          {"max_model_len", model.context_length},
          {"architecture", {{"input_modalities", inputs}, {"output_modalities", Json::array({"text"})}}},
          {"input_modalities", inputs},
          {"model_type", "LLM"},
          {"address", address},
          {"accelerators", Json::array()},
          {"model_name", model.name},
          {"model_lang", model.languages},
          {"model_ability", model.abilities},
          {"model_description", model.text},
          {"model_engine", model.engine},
          {"model_format", model.format},
          {"model_size_in_billions", model.size_in_billions == 0 ? Json() : Json(model.size_in_billions)},
          {"model_family", "deepseek-vl2"},
          {"quantization", model.quantization},
          {"multimodal_projector", Json()},
          {"model_hub", text_or_null(model.hub)},
          {"model_id", text_or_null(model.model_id)},
          {"revision", text_or_null(model.revision)},
          {"context_length", model.context_length},
          {"memory_bytes", status.memory_bytes},
          {"replica", 1}};
}

}  // namespace

std::string model_json(const ModelStatus& model, const std::string& address) {
  return to_text(model_object(model, address));
}

std::string model_list_json(const std::vector<ModelStatus>& models, const std::string& address) {
  Json data = Json::array();
  for (const ModelStatus& model : models) data.push_back(model_object(model, address));
  return to_text({{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace spyhop
