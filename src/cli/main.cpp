// Process entry: composes the subcommands; the top-level catch turns an Error into a message and an exit status.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "cli/command_line.h"
#include "cli/commands.h"

int main(int argc, char** argv) {
  CLI::App app;
  app.name("spyhop");
  spyhop::declare_program(app);
  try {
    app.parse(spyhop::command_line_words(argc, argv));
  } catch (const CLI::ParseError& error) {
    const std::string reason = error.get_exit_code() == 0 ? "" : spyhop::explain_unknown_word(app);
    if (reason.empty()) return app.exit(error);
    std::fprintf(stderr, "%s\nRun with --help for more information.\n", reason.c_str());
    return error.get_exit_code();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "spyhop: %s\n", e.what());
    return 1;
  }
  return 0;
}
