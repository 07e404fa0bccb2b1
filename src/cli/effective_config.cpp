#include "cli/effective_config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace spyhop {
namespace {

using nlohmann::ordered_json;

constexpr const char* kMask = "********";

bool is_secret(const std::string& name) {
  for (const char* part : {"api-key", "TOKEN"}) {
    const size_t at = name.find(part);
    const bool is_path = name.size() >= 5 && name.compare(name.size() - 5, 5, "_PATH") == 0;
    if (at != std::string::npos && !is_path) return true;
  }
  return false;
}

template <typename T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// CLI11 keeps variables' values with those of flags, but notes only flags in the order of parsing.
std::string source_of(const CLI::App& command, const CLI::Option& option, const std::vector<const CLI::Option*>& from_file,
                      const std::string& path) {
  if (contains(command.parse_order(), const_cast<CLI::Option*>(&option))) return "flag";
  if (contains(from_file, &option)) return "file " + path;
  return option.count() > 0 ? "variable " + option.get_envname() : "default";
}

std::vector<std::string> values_of(const CLI::Option& option, bool is_switch) {
  if (is_switch && option.count() > 0) return {option.as<bool>() ? "true" : "false"};
  if (option.count() > 0) return option.results();
  if (is_switch) return {option.get_default_str() == "true" ? "true" : "false"};
  return option.get_default_str().empty() ? std::vector<std::string>{} : std::vector<std::string>{option.get_default_str()};
}

bool starts_with_number_type(const std::string& type_name) {
  return type_name.rfind("INT", 0) == 0 || type_name.rfind("UINT", 0) == 0 || type_name.rfind("FLOAT", 0) == 0;
}

ordered_json value_json(const Setting& setting, const std::string& value) {
  if (setting.is_switch) return value == "true";
  if (!setting.is_number) return value;
  const ordered_json number = ordered_json::parse(value, nullptr, /*allow_exceptions=*/false);
  return number.is_number() ? number : ordered_json(value);
}

/// A proxy's address may hold a password.
std::string without_password(const std::string& value) {
  const size_t at = value.rfind('@');
  if (at == std::string::npos) return value;
  const size_t scheme = value.find("://");
  return (scheme == std::string::npos ? "" : value.substr(0, scheme + 3)) + kMask + value.substr(at);
}

}  // namespace

std::vector<Setting> effective_settings(const CLI::App& command, const std::vector<const CLI::Option*>& from_file,
                                        const std::string& path) {
  std::vector<Setting> settings;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty() || option->get_lnames().front() == "help") continue;
    Setting setting;
    setting.name = option->get_lnames().front();
    setting.is_switch = option->get_expected_min() == 0;
    setting.is_list = !setting.is_switch && option->get_items_expected_max() > 1;
    setting.is_number = starts_with_number_type(option->get_type_name());
    setting.values = values_of(*option, setting.is_switch);
    if (is_secret(setting.name)) std::fill(setting.values.begin(), setting.values.end(), kMask);
    setting.source = source_of(command, *option, from_file, path);
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::vector<Setting> other_variables() {
  std::vector<Setting> settings;
  for (const char* name : {"SPYHOP_HOME",
                           "SPYHOP_MODELS_DIR",
                           "HF_ENDPOINT",
                           "HF_TOKEN",
                           "HUGGING_FACE_HUB_TOKEN",
                           "HF_TOKEN_PATH",
                           "HF_HOME",
                           "HF_HUB_CACHE",
                           "HUGGINGFACE_HUB_CACHE",
                           "XDG_CACHE_HOME",
                           "HF_HUB_OFFLINE",
                           "TRANSFORMERS_OFFLINE",
                           "MODELSCOPE_ENDPOINT",
                           "MODELSCOPE_DOMAIN",
                           "MODELSCOPE_API_TOKEN",
                           "MODELSCOPE_CACHE",
                           "MODELSCOPE_HOME",
                           "SSL_CERT_FILE",
                           "http_proxy",
                           "https_proxy",
                           "HTTPS_PROXY",
                           "all_proxy",
                           "ALL_PROXY",
                           "no_proxy",
                           "NO_PROXY"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    Setting setting;
    setting.name = name;
    setting.values = {is_secret(name) ? kMask : without_password(value)};
    setting.source = std::string("variable ") + name;
    settings.push_back(std::move(setting));
  }
  return settings;
}

ordered_json to_json(const std::vector<Setting>& settings) {
  ordered_json json = ordered_json::object();
  for (const Setting& setting : settings) {
    ordered_json value;
    if (setting.is_list) value = ordered_json::array();
    for (const std::string& each : setting.values) {
      if (setting.is_list) value.push_back(value_json(setting, each));
      if (!setting.is_list) value = value_json(setting, each);
    }
    json[setting.name] = {{"value", value}, {"source", setting.source}};
  }
  return json;
}

}  // namespace spyhop
