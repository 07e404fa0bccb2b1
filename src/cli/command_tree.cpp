#include "cli/command_tree.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace spyhop {
namespace {

/// What stands in the first braces of a type name: "{a,b}" of one_of and CLI::IsMember, "value in {a->0,b->1}" of transformers.
std::vector<std::string> choices_of(const std::string& type_name) {
  const size_t begin = type_name.find('{');
  const size_t end = type_name.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  std::vector<std::string> choices;
  for (size_t at = begin + 1; at < end;) {
    const size_t border = std::min(type_name.find(',', at), end);
    const std::string choice = type_name.substr(at, border - at);
    choices.push_back(choice.substr(0, choice.find("->")));
    at = border + 1;
  }
  return choices;
}

OptionInfo describe(const CLI::Option& option) {
  const std::string type_name = option.get_type_name();
  OptionInfo info;
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  if (info.names.empty()) info.operand = option.get_name(/*positional=*/true);
  info.description = option.get_description();
  info.group = option.get_group();
  info.variable = option.get_envname();
  info.takes_value = option.get_expected_min() != 0 && option.get_type_size_max() != 0;
  if (info.takes_value) info.default_value = option.get_default_str();
  info.choices = choices_of(type_name);
  for (const char* number : {"INT", "UINT", "FLOAT"}) info.is_number |= type_name.rfind(number, 0) == 0;
  info.is_required = option.get_required();
  return info;
}

CommandInfo describe(const CLI::App& app, const std::string& path) {
  CommandInfo info;
  info.path = path;
  info.aliases = app.get_aliases();
  info.description = app.get_description();
  info.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) info.options.push_back(describe(*option));
  }
  for (const CLI::App* command : app.get_subcommands(std::function<bool(const CLI::App*)>())) {
    info.commands.push_back(describe(*command, path.empty() ? command->get_name() : path + " " + command->get_name()));
  }
  return info;
}

}  // namespace

std::string CommandInfo::name() const {
  const size_t space = path.rfind(' ');
  return space == std::string::npos ? path : path.substr(space + 1);
}

CommandInfo describe_commands(const CLI::App& app) {
  return describe(app, "");
}

std::vector<const CommandInfo*> all_commands(const CommandInfo& command) {
  std::vector<const CommandInfo*> all{&command};
  for (const CommandInfo& below : command.commands) {
    for (const CommandInfo* each : all_commands(below)) all.push_back(each);
  }
  return all;
}

}  // namespace spyhop
