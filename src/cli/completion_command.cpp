// `spyhop completion` and `spyhop man`: what a shell and a reader get, made of the commands themselves.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/man_page.h"
#include "cli/option_tools.h"

namespace spyhop {
namespace {

constexpr const char* kProgram = "spyhop";

}  // namespace

void add_completion_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("completion", "Print a script that completes command lines in a shell");
  command->footer(
      "Once, for this shell: source <(spyhop completion bash)\n"
      "For good, where `cmake --install` has not done it:\n"
      "  bash: spyhop completion bash > ~/.local/share/bash-completion/completions/spyhop\n"
      "  zsh:  spyhop completion zsh > FOLDER_OF_FPATH/_spyhop\n"
      "  fish: spyhop completion fish > ~/.config/fish/completions/spyhop.fish");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")->transform(one_of(completed_shells(), "shell"))->required();
  command->callback([&app, shell] { std::fputs(completion_script(describe_commands(app), *shell, kProgram).c_str(), stdout); });
}

void add_man_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("man", "Print the manual page, in the form that man reads");
  command->footer("To read it: spyhop man | man -l -");
  command->callback([&app] { std::fputs(man_page(describe_commands(app), kProgram, SPYHOP_VERSION).c_str(), stdout); });
}

}  // namespace spyhop
