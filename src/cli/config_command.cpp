// `spyhop config`: the settings that `spyhop launch` would use, and where they come from.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/effective_config.h"
#include "cli/launch_options.h"
#include "cli/text_table.h"

namespace spyhop {
namespace {

struct ConfigFlags {
  LaunchOptions launch;
  bool prints_json = false;
};

std::string to_text(const std::vector<Setting>& settings, const std::string& headline) {
  std::vector<std::vector<std::string>> rows;
  for (const Setting& setting : settings) rows.push_back({setting.name, joined(setting.values), setting.source});
  return text_table({headline, "Value", "Source"}, rows);
}

void run(CLI::App& command, const ConfigFlags& flags) {
  const std::string& path = flags.launch.config_path;
  const std::vector<const CLI::Option*> from_file =
      path.empty() ? std::vector<const CLI::Option*>{} : apply_config_file(command, path);
  const std::vector<Setting> settings = effective_settings(command, from_file, path);
  const std::vector<Setting> variables = other_variables();
  std::string text = to_text(settings, "Setting");
  if (!variables.empty()) text += "\n" + to_text(variables, "Variable");
  print_result(flags.prints_json, {{"settings", to_json(settings)}, {"variables", to_json(variables)}}, text);
}

}  // namespace

void add_config_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("config", "Print the settings of launch, and where each has its value from");
  command->footer(
      "Takes the flags of `spyhop launch`, checks them and the file as launch would, and loads nothing. Flags win, then "
      "variables,\n"
      "then the file, then defaults. Secrets are masked.\n"
      "Example: spyhop config --config configs/server.json --port 8080");
  auto flags = std::make_shared<ConfigFlags>();
  declare_launch_options(*command, flags->launch);
  command->add_flag("--json", flags->prints_json, "Print JSON")->configurable(false);
  command->callback([command, flags] { run(*command, *flags); });
}

}  // namespace spyhop
