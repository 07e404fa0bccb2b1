#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "common/nearest_match.h"
#include "common/problem_list.h"

namespace spyhop {
namespace {

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* below : command.get_subcommands(std::function<bool(const CLI::App*)>())) {
    names.push_back(below->get_name());
    for (const std::string& alias : below->get_aliases()) names.push_back(alias);
  }
  return names;
}

std::string advice(const std::string& what, const std::string& word, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_match(word, candidates);
  return what + " " + in_quotes(word) + (nearest.empty() ? "" : "; the nearest is " + nearest);
}

/// Under the names of xinference's programs, the program starts a server where these do: xinference-local always, xinference
/// when no command is given.
bool starts_server(const std::string& program, const std::vector<std::string>& words) {
  const std::string name = program.substr(program.rfind('/') + 1);
  if (name == "xinference-local") return words.empty() || words.front() != "serve";
  if (name != "xinference") return false;
  if (words.empty()) return true;
  static const char* const kServerFlags[] = {"-H", "--host", "-p", "--port", "--log-level"};
  return std::find(std::begin(kServerFlags), std::end(kServerFlags), words.front()) != std::end(kServerFlags);
}

}  // namespace

std::vector<std::string> command_line_words(int argc, const char* const* argv) {
  static const std::map<std::string, std::string> kLongNames{{"-en", "--model-engine"},
                                                             {"-mp", "--model-path"},
                                                             {"-ak", "--api-key"},
                                                             {"-lm", "--lora-modules"},
                                                             {"-ld", "--image-lora-load-kwargs"},
                                                             {"-fd", "--image-lora-fuse-kwargs"},
                                                             {"-qc", "--quantization-config"},
                                                             {"-vp", "--virtual-env-package"},
                                                             {"-ev", "--env"},
                                                             {"-MH", "--metrics-exporter-host"}};
  std::vector<std::string> words(argv + 1, argv + argc);
  if (starts_server(argv[0], words)) words.insert(words.begin(), "serve");
  const bool is_server = !words.empty() && (words.front() == "serve" || words.front() == "xinference-local");
  for (std::string& word : words) {
    const auto found = kLongNames.find(word);
    if (found != kLongNames.end()) word = is_server && word == "-mp" ? "--metrics-exporter-port" : found->second;
  }
  std::reverse(words.begin(), words.end());
  return words;
}

std::string explain_unknown_word(const CLI::App& app) {
  const CLI::App* command = &app;
  std::string path = "spyhop";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  const std::vector<std::string> commands = commands_of(*command);
  for (const std::string& word : words) {
    if (!commands.empty() && word.rfind('-', 0) != 0) return advice(path + " has no command", word, commands);
  }
  for (const std::string& word : words) {
    const std::string flag = word.substr(0, word.find('='));
    if (word.rfind("--", 0) == 0 && word != "--") return advice(path + " has no flag", flag, flags_of(*command));
  }
  return "";
}

}  // namespace spyhop
