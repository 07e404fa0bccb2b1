#include "api/launch_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/object_reader.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxSettings = 64;

[[noreturn]] void refuse(const char* field, const std::string& reason) {
  throw Error(ErrorCode::kUnsupported, std::string(field) + " cannot be honoured: " + reason, field);
}

bool is_empty(const json& value) {
  return value.is_null() || ((value.is_object() || value.is_array() || value.is_string()) && value.empty());
}

/// Of a field that one process on one machine has one of.
void require_one(const ObjectReader& reader, const char* field) {
  const json* value = reader.find(field);
  if (value == nullptr) return;
  if (*value != 1) reject(field, *value, "1, since a server here is one process with one engine for each model");
}

void refuse_what_cannot_be(const json& object, const ObjectReader& reader) {
  require_one(reader, "replica");
  require_one(reader, "n_worker");
  const json* type = reader.find("model_type");
  if (type != nullptr && *type != "LLM") reject("model_type", *type, "LLM");
  const json* gpus = reader.find("n_gpu");
  if (gpus != nullptr && *gpus != "auto" && *gpus != "none" && *gpus != 0) {
    reject("n_gpu", *gpus, "auto or none; the setting device chooses what computes");
  }
  const std::pair<const char*, const char*> refused[] = {
      {"gpu_idx", "the setting device chooses what computes"},
      {"peft_model_config", "adapters are not loaded; merge them into the weights and register these"},
      {"quantization_config", "bitsandbytes is not used; set quantization to int8 or int4"},
      {"envs", "variables belong to the whole server; start it with them"},
      {"replica_config", "there is one replica"},
      {"download_dir", "the server's own cache is used"},
  };
  for (const auto& [field, reason] : refused) {
    const auto value = object.find(field);
    if (value != object.end() && !is_empty(*value)) refuse(field, reason);
  }
}

bool is_known(const std::string& field) {
  static const char* const kFields[] = {"model_uid",
                                        "model_name",
                                        "model_engine",
                                        "model_type",
                                        "model_format",
                                        "quantization",
                                        "replica",
                                        "n_worker",
                                        "n_gpu",
                                        "request_limits",
                                        "worker_ip",
                                        "gpu_idx",
                                        "peft_model_config",
                                        "download_hub",
                                        "model_path",
                                        "enable_virtual_env",
                                        "quantization_config",
                                        "virtual_env_packages",
                                        "envs",
                                        "replica_config",
                                        "trust_remote_code",
                                        "enable_thinking",
                                        "download_dir",
                                        "model_version",
                                        "model_size_in_billions",
                                        "virtual_env_find_links",
                                        "wait_ready"};
  return std::find(std::begin(kFields), std::end(kFields), field) != std::end(kFields);
}

/// A size as people write it: 27, "27", "1_8".
std::string size_text(const ObjectReader& reader) {
  const json* value = reader.find("model_size_in_billions");
  if (value == nullptr) return "";
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number_integer()) return value->dump();
  if (value->is_number()) return std::to_string(static_cast<int>(value->get<double>()));
  reject("model_size_in_billions", *value, "a number or a string");
}

std::string setting_text(const std::string& field, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  reject(field, value, "a string, a number, true or false");
}

std::vector<std::pair<std::string, std::string>> settings_of(const json& object) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const auto& [field, value] : object.items()) {
    if (is_known(field) || value.is_null()) continue;
    std::string name = field;
    std::replace(name.begin(), name.end(), '_', '-');
    settings.emplace_back(std::move(name), setting_text(field, value));
  }
  if (settings.size() > kMaxSettings) {
    throw Error(ErrorCode::kInvalidRequest,
                "there are " + std::to_string(settings.size()) + " settings; allowed: up to " + std::to_string(kMaxSettings));
  }
  return settings;
}

}  // namespace

LaunchRequest parse_launch_request(const std::string& body) {
  constexpr int64_t kMostAnswers = 1'000'000;
  json object = parse_request_json(body);
  if (!object.is_object()) throw Error(ErrorCode::kInvalidRequest, "the body must be a JSON object");
  const ObjectReader reader(object, "");
  refuse_what_cannot_be(object, reader);
  LaunchRequest request;
  request.settings = settings_of(object);
  request.size_in_billions = size_text(reader);
  request.model_uid = reader.string("model_uid").value_or("");
  request.model_name = reader.string("model_name").value_or("");
  request.model_engine = reader.string("model_engine").value_or("");
  request.model_format = reader.string("model_format").value_or("");
  request.quantization = reader.string("quantization").value_or("");
  request.model_path = reader.string("model_path").value_or("");
  request.download_hub = reader.string("download_hub").value_or("");
  if (const auto limit = reader.integer("request_limits", 1, kMostAnswers)) request.request_limit = static_cast<int>(*limit);
  if (request.model_name.empty() && request.model_path.empty()) {
    throw Error(ErrorCode::kInvalidRequest,
                "model_name is missing; allowed: a model that GET /v1/model_registrations/LLM lists", "model_name");
  }
  return request;
}

}  // namespace spyhop
