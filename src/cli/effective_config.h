// Where each setting of a command has its value from.
#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace spyhop {

/// A setting as it is in force.
struct Setting {
  std::string name;                 // of the flag, without dashes
  std::vector<std::string> values;  // as they were given; empty = none
  std::string source;               // "flag", "variable SPYHOP_PORT", "file PATH" or "default"
  bool is_list = false;             // may have several values
  bool is_number = false;
  bool is_switch = false;  // "true" or "false"
};

/// All settings of a command that was parsed, in the order of its options. `from_file`: what apply_config_file() returned for
/// the file `path`. Secrets are masked.
std::vector<Setting> effective_settings(const CLI::App& command, const std::vector<const CLI::Option*>& from_file,
                                        const std::string& path);

/// Variables of the environment that matter beside those of flags and are set: of hubs and their caches, of certificates, of
/// proxies. Secrets are masked.
std::vector<Setting> other_variables();

/// {"max-queue": {"value": 256, "source": "default"}, ...}; null for settings without a value.
nlohmann::ordered_json to_json(const std::vector<Setting>& settings);

}  // namespace spyhop
