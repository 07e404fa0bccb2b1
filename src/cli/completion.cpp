#include "cli/completion.h"

#include "cli/text_table.h"

namespace spyhop {
namespace {

/// In single quotes, as all three shells read them.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::vector<std::string> names_of(const CommandInfo& command) {
  std::vector<std::string> names{command.name()};
  names.insert(names.end(), command.aliases.begin(), command.aliases.end());
  return names;
}

/// "_spyhop_bench_serve".
std::string function_of(const CommandInfo& command, const std::string& program) {
  std::string name = "_" + program;
  if (!command.path.empty()) name += "_" + command.path;
  for (char& c : name) c = c == ' ' || c == '-' ? '_' : c;
  return name;
}

// --- bash ------------------------------------------------------------------------------------------------------------------

/// Patterns of a case: "path name" for each of the names, quoted.
std::string bash_patterns(const std::string& path, const std::vector<std::string>& names) {
  std::vector<std::string> patterns;
  for (const std::string& name : names) patterns.push_back(quoted(path + " " + name));
  return joined(patterns, " | ");
}

std::string bash_command_cases(const CommandInfo& root) {
  std::string text;
  for (const CommandInfo* command : all_commands(root)) {
    for (const CommandInfo& below : command->commands) {
      text += "      " + bash_patterns(command->path, names_of(below)) + ") command=" + quoted(below.path) + " ;;\n";
    }
  }
  return text;
}

std::string bash_value_cases(const CommandInfo& root) {
  std::string text;
  for (const CommandInfo* command : all_commands(root)) {
    for (const OptionInfo& option : command->options) {
      if (!option.takes_value || option.names.empty()) continue;
      const std::string kind = !option.choices.empty() ? "words=" + quoted(joined(option.choices, " "))
                               : option.is_number      ? "return"
                                                       : "files=yes";
      text += "    " + bash_patterns(command->path, option.names) + ") " + kind + " ;;\n";
    }
  }
  return text;
}

std::string bash_word_cases(const CommandInfo& root) {
  std::string text;
  for (const CommandInfo* command : all_commands(root)) {
    std::vector<std::string> words;
    bool has_operands = false;
    for (const CommandInfo& below : command->commands) {
      for (const std::string& name : names_of(below)) words.push_back(name);
    }
    std::vector<std::string> choices;
    for (const OptionInfo& option : command->options) {
      words.insert(words.end(), option.names.begin(), option.names.end());
      choices.insert(choices.end(), option.names.empty() ? option.choices.begin() : option.choices.end(), option.choices.end());
      has_operands |= option.names.empty() && option.choices.empty();
    }
    words.insert(words.end(), choices.begin(), choices.end());
    text += "      " + quoted(command->path) + ") words=" + quoted(joined(words, " ")) + (has_operands ? "; files=yes" : "") +
            " ;;\n";
  }
  return text;
}

std::string bash_script(const CommandInfo& root, const std::string& program) {
  const std::string function = function_of(root, program);
  return "# Completion of " + program + " for bash, made by `" + program +
         " completion bash`.\n"
         "# shellcheck shell=bash\n" +
         function +
         "() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  local command='' words='' files='' i\n"
         "  COMPREPLY=()\n"
         "  # An '=' between a name and its value is a word by itself.\n"
         "  if [[ $current == '=' ]]; then\n"
         "    current=''\n"
         "  elif [[ $previous == '=' ]]; then\n"
         "    previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "  fi\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case \"$command ${COMP_WORDS[i]}\" in\n" +
         bash_command_cases(root) +
         "    esac\n"
         "  done\n"
         "  case \"$command $previous\" in\n" +
         bash_value_cases(root) +
         "    *)\n"
         "      case $command in\n" +
         bash_word_cases(root) +
         "      esac\n"
         "      ;;\n"
         "  esac\n"
         "  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "  if [[ -n $files && $current != -* ]]; then\n"
         "    compopt -o filenames 2>/dev/null || :\n"
         "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$current\")\n"
         "  fi\n"
         "}\n"
         "complete -F " +
         function + " " + program + "\n";
}

// --- zsh -------------------------------------------------------------------------------------------------------------------

/// For the inside of "[...]" and behind ':' in a specification of _arguments.
std::string zsh_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const OptionInfo& option) {
  if (!option.choices.empty()) return "(" + joined(option.choices, " ") + ")";
  return option.is_number ? " " : "_files";
}

std::string zsh_specification(const OptionInfo& option) {
  if (option.names.empty()) return quoted("*:" + zsh_escaped(option.operand) + ":" + zsh_action(option));
  const std::string value = option.takes_value ? ":value:" + zsh_action(option) : "";
  std::vector<std::string> specifications;
  for (const std::string& name : option.names) {
    const bool is_long = name.rfind("--", 0) == 0;
    specifications.push_back(
        quoted("*" + name + (option.takes_value && is_long ? "=" : "") + "[" + zsh_escaped(option.description) + "]" + value));
  }
  return joined(specifications, " \\\n    ");
}

std::string zsh_function(const CommandInfo& command, const std::string& program) {
  std::string text = function_of(command, program) + "() {\n";
  if (!command.commands.empty())
    text += "  local context state state_descr line curcontext=$curcontext\n  typeset -A opt_args\n";
  text += command.commands.empty() ? "  _arguments -s -S" : "  _arguments -s -S -C";
  for (const OptionInfo& option : command.options) text += " \\\n    " + zsh_specification(option);
  if (command.commands.empty()) return text + "\n}\n";
  text +=
      " \\\n    '1: :->command' \\\n    '*:: :->rest' && return\n  case $state in\n    command)\n      local -a commands=(\n";
  std::string cases;
  for (const CommandInfo& below : command.commands) {
    for (const std::string& name : names_of(below)) {
      text += "        " + quoted(zsh_escaped(name) + ":" + zsh_escaped(below.description)) + "\n";
    }
    cases += "        " + joined(names_of(below), " | ") + ") " + function_of(below, program) + " ;;\n";
  }
  return text + "      )\n      _describe -t commands command commands\n      ;;\n    rest)\n      case $line[1] in\n" + cases +
         "      esac\n      ;;\n  esac\n}\n";
}

std::string zsh_script(const CommandInfo& root, const std::string& program) {
  std::string text =
      "#compdef " + program + "\n# Completion of " + program + " for zsh, made by `" + program + " completion zsh`.\n";
  for (const CommandInfo* command : all_commands(root)) text += zsh_function(*command, program);
  const std::string function = function_of(root, program);
  return text + "if [[ $funcstack[1] == " + function + " ]]; then\n  " + function + " \"$@\"\nelse\n  compdef " + function +
         " " + program + "\nfi\n";
}

// --- fish ------------------------------------------------------------------------------------------------------------------

/// Holds when the words before the cursor name this command and none below it.
std::string fish_condition(const CommandInfo& command, const CommandInfo& root) {
  std::vector<std::string> below;
  for (const CommandInfo& each : command.commands) {
    for (const std::string& name : names_of(each)) below.push_back(name);
  }
  std::string condition;
  const CommandInfo* parent = &root;
  for (size_t at = 0; at < command.path.size() && parent != nullptr;) {
    const size_t end = std::min(command.path.find(' ', at), command.path.size());
    const CommandInfo* found = nullptr;
    for (const CommandInfo& each : parent->commands) {
      if (each.path == command.path.substr(0, end)) found = &each;
    }
    if (found == nullptr) break;
    condition +=
        (condition.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + joined(names_of(*found), " ");
    parent = found;
    at = end + 1;
  }
  if (below.empty()) return condition;
  return (condition.empty() ? "" : condition + "; and ") + "not __fish_seen_subcommand_from " + joined(below, " ");
}

std::string fish_option(const OptionInfo& option) {
  std::string text;
  for (const std::string& name : option.names) {
    const bool is_long = name.rfind("--", 0) == 0;
    text += is_long ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.choices.empty()) text += option.names.empty() ? "" : " -x";
  if (!option.choices.empty()) text += " -a " + quoted(joined(option.choices, " "));
  if (option.choices.empty() && option.takes_value) text += option.is_number ? " -x" : " -r -F";
  return text + " -d " + quoted(option.description);
}

std::string fish_script(const CommandInfo& root, const std::string& program) {
  std::string text =
      "# Completion of " + program + " for fish, made by `" + program + " completion fish`.\ncomplete -c " + program + " -f\n";
  for (const CommandInfo* command : all_commands(root)) {
    const std::string begin = "complete -c " + program + " -n " + quoted(fish_condition(*command, root));
    for (const CommandInfo& below : command->commands) {
      text += begin + " -a " + quoted(joined(names_of(below), " ")) + " -d " + quoted(below.description) + "\n";
    }
    for (const OptionInfo& option : command->options) {
      const bool is_free_operand = option.names.empty() && option.choices.empty();
      text += is_free_operand ? begin + " -F\n" : begin + fish_option(option) + "\n";
    }
  }
  return text;
}

}  // namespace

const std::vector<std::string>& completed_shells() {
  static const std::vector<std::string> shells{"bash", "zsh", "fish"};
  return shells;
}

std::string completion_script(const CommandInfo& root, const std::string& shell, const std::string& program) {
  if (shell == "zsh") return zsh_script(root, program);
  return shell == "fish" ? fish_script(root, program) : bash_script(root, program);
}

}  // namespace spyhop
