#include "registry/model_config.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "common/file.h"
#include "common/json_fields.h"
#include "registry/config_reader.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = size_t{4} << 20;
constexpr const char* kConfigName = "config.json";
constexpr const char* kProcessorName = "processor_config.json";

}  // namespace

ModelConfig load_model_config(const std::string& dir) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(dir, error)) throw Error(ErrorCode::kModelLoad, dir + ": no such folder");
  const fs::path folder(dir);
  const std::string config = read_text_file((folder / kConfigName).string(), kMaxConfigBytes);
  std::string processor;
  if (fs::exists(folder / kProcessorName, error)) {
    processor = read_text_file((folder / kProcessorName).string(), kMaxConfigBytes);
  }
  try {
    return parse_model_config(config, processor);
  } catch (const Error& e) {
    throw Error(e.code(), dir + ": " + e.what());
  }
}

ModelConfig parse_model_config(const std::string& config_json, const std::string& processor_json) {
  const json config = parse_json(config_json, kConfigName);
  json processor = json::object();
  if (!processor_json.empty()) processor = parse_json(processor_json, kProcessorName);

  ProblemList problems;
  JsonFields config_fields(config, kConfigName, "", problems);
  JsonFields processor_fields(processor, kProcessorName, "", problems);
  ModelConfig read = read_model_config(config_fields, processor_fields);
  problems.throw_if_any(ErrorCode::kModelLoad, "the model's configuration cannot be served");
  return read;
}

}  // namespace spyhop
