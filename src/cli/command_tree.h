// The program's commands and options as data, for whatever is generated from them.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace spyhop {

struct OptionInfo {
  std::vector<std::string> names;  // "-n", "--model-name"; empty for an operand
  std::string operand;             // name of an operand: "DIR"
  std::string description;
  std::string group;          // under which --help shows it
  std::string variable;       // that sets the same value; empty = none
  std::string default_value;  // empty = none
  std::vector<std::string> choices;
  bool takes_value = false;
  bool is_number = false;
  bool is_required = false;
};

struct CommandInfo {
  std::string path;  // "bench serve"; empty for the program itself
  std::vector<std::string> aliases;
  std::string description;
  std::string footer;
  std::vector<OptionInfo> options;
  std::vector<CommandInfo> commands;

  /// The last word of the path.
  std::string name() const;
};

/// `app` with all below it.
CommandInfo describe_commands(const CLI::App& app);

/// The command and all below it, each before those below it.
std::vector<const CommandInfo*> all_commands(const CommandInfo& command);

}  // namespace spyhop
