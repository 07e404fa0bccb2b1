#include "cli/config_file.h"

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/file.h"
#include "common/json_fields.h"
#include "common/nearest_match.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxFileBytes = size_t{1} << 20;
constexpr const char* kDescription = "description";

bool is_flag(const CLI::Option& option) {
  return option.get_expected_min() == 0;
}

/// A text or a number as it would be typed.
std::optional<std::string> typed(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

/// One file on its way into one command.
class ConfigFile {
 public:
  ConfigFile(CLI::App& command, const std::string& path) : path_(path) {
    for (CLI::Option* option : command.get_options()) {
      if (!option->get_configurable()) continue;
      for (const std::string& name : option->get_lnames()) {
        if (name != "help") options_[name] = option;
      }
    }
    for (const auto& entry : options_) names_.push_back(entry.first);
  }

  std::vector<const CLI::Option*> apply() {
    const json document =
        parse_json(read_text_file(path_, kMaxFileBytes, ErrorCode::kInvalidRequest), path_, ErrorCode::kInvalidRequest);
    if (!document.is_object()) {
      throw Error(ErrorCode::kInvalidRequest, path_ + " is " + describe_json(document) + "; allowed: an object", "config");
    }
    for (const auto& [key, value] : document.items()) take(key, value);
    problems_.throw_if_any(ErrorCode::kInvalidRequest, "the configuration cannot be used");
    return set_;
  }

 private:
  void take(const std::string& key, const json& value) {
    if (key == kDescription) {
      if (!value.is_string()) report(key, value, "a text");
      return;
    }
    const auto found = options_.find(key);
    if (found == options_.end()) {
      const std::string nearest = nearest_match(key, names_);
      problems_.add(path_ + ": no setting is named " + in_quotes(key) +
                    (nearest.empty() ? "; allowed are the flags of `spyhop launch`" : "; the nearest is " + nearest));
      return;
    }
    CLI::Option& option = *found->second;
    const auto earlier = key_of_.emplace(&option, key);
    if (!earlier.second) {
      problems_.add(path_ + ": " + key + " and " + earlier.first->second + " set the same; allowed: one of the two");
      return;
    }
    if (option.count() > 0) return check_only(option, key, value);
    if (set(option, key, value)) set_.push_back(&option);
  }

  /// What a flag or a variable overrides must be of the right kind all the same, or the mistake would show up some other day.
  void check_only(const CLI::Option& option, const std::string& key, const json& value) {
    static_cast<void>(results_of(option, key, value));
  }

  bool set(CLI::Option& option, const std::string& key, const json& value) {
    const std::vector<std::string> results = results_of(option, key, value);
    if (results.empty()) return false;
    try {
      option.add_result(results);
      option.run_callback();
      return true;
    } catch (const CLI::ParseError& error) {
      problems_.add(path_ + ": " + key + " = " + describe_json(value) + ": " + error.what());
      return false;
    }
  }

  /// As the command line would have it; empty when the value was reported.
  std::vector<std::string> results_of(const CLI::Option& option, const std::string& key, const json& value) {
    if (is_flag(option)) {
      if (value.is_boolean()) return {option.get_flag_value(key, value.get<bool>() ? "true" : "false")};
      report(key, value, "true or false");
      return {};
    }
    const bool takes_several = option.get_items_expected_max() > 1;
    std::vector<std::string> results;
    const json values = value.is_array() && takes_several ? value : json::array({value});
    for (const json& each : values) {
      const std::optional<std::string> text = typed(each);
      if (text) {
        results.push_back(*text);
        continue;
      }
      report(key, each, takes_several ? "a text or a number, or an array of these" : "a text or a number");
      return {};
    }
    if (results.empty()) report(key, value, "an array that is not empty");
    return results;
  }

  void report(const std::string& key, const json& value, const std::string& allowed) {
    problems_.add(path_ + ": " + key + " = " + describe_json(value) + "; allowed: " + allowed);
  }

  const std::string path_;
  std::map<std::string, CLI::Option*> options_;
  std::vector<std::string> names_;
  std::map<const CLI::Option*, std::string> key_of_;
  std::vector<const CLI::Option*> set_;
  ProblemList problems_;
};

}  // namespace

std::vector<const CLI::Option*> apply_config_file(CLI::App& command, const std::string& path) {
  return ConfigFile(command, path).apply();
}

}  // namespace spyhop
