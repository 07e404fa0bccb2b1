#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/man_page.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

CommandInfo program() {
  CLI::App app;
  app.name("spyhop");
  declare_program(app);
  return describe_commands(app);
}

/// What a command prints, and whether it ended well.
struct Printed {
  std::string text;
  bool is_ok = false;
};

Printed run(const std::string& command) {
  Printed printed;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return printed;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) printed.text += static_cast<char>(c);
  printed.is_ok = ::pclose(pipe) == 0;
  return printed;
}

bool has_program(const std::string& name) {
  return run("command -v " + name).is_ok;
}

/// Completes the last of the words in a real bash.
std::vector<std::string> complete_in_bash(const std::vector<std::string>& words) {
  const testing::TempDir dir;
  std::string script = completion_script(program(), "bash", "spyhop") + "COMP_WORDS=(";
  for (const std::string& word : words) script += "'" + word + "' ";
  script += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) + "\n_spyhop\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  dir.write("script.bash", script);
  const Printed printed = run("cd " + dir.path() + " && bash -eu script.bash");
  EXPECT_TRUE(printed.is_ok) << printed.text;
  std::vector<std::string> lines;
  std::istringstream in(printed.text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

TEST(BashCompletion, CompletesCommands) {
  EXPECT_THAT(complete_in_bash({"spyhop", "la"}), UnorderedElementsAre("launch"));
  EXPECT_THAT(complete_in_bash({"spyhop", "re"}), UnorderedElementsAre("registrations", "register", "remove-cache"));
  EXPECT_THAT(complete_in_bash({"spyhop", "cal"}), UnorderedElementsAre("cal-model-mem"));
  EXPECT_THAT(complete_in_bash({"spyhop", "bench", "s"}), UnorderedElementsAre("serve"));
}

TEST(BashCompletion, CompletesOptionsOfTheCommand) {
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--model-s"}), UnorderedElementsAre("--model-src"));
  EXPECT_THAT(complete_in_bash({"spyhop", "cal-model-mem", "--com"}), UnorderedElementsAre("--compute"));
  EXPECT_THAT(complete_in_bash({"spyhop", "bench", "serve", "--num-p"}), UnorderedElementsAre("--num-prompts"));
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--port", "1", "--no-"}),
              UnorderedElementsAre("--no-remote-images", "--no-enable-prefix-caching", "--no-playground"));
}

TEST(BashCompletion, CompletesValues) {
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--model-src", ""}),
              UnorderedElementsAre("huggingface", "modelscope", "auto"));
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "-q", "int"}), UnorderedElementsAre("int8", "int4"));
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--quantization", "=", "int"}), UnorderedElementsAre("int8", "int4"));
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--quantization", "="}), UnorderedElementsAre("none", "int8", "int4"));
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--port", ""}), UnorderedElementsAre());
  EXPECT_THAT(complete_in_bash({"spyhop", "completion", ""}), IsSupersetOf({"bash", "zsh", "fish"}));
}

TEST(BashCompletion, CompletesFiles) {
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "--config", "scr"}), UnorderedElementsAre("script.bash"));
  EXPECT_THAT(complete_in_bash({"spyhop", "quantize", "scr"}), UnorderedElementsAre("script.bash"));
  EXPECT_THAT(complete_in_bash({"spyhop", "launch", "scr"}), UnorderedElementsAre());
}

TEST(BashCompletion, PassesTheLinter) {
  if (!has_program("shellcheck")) GTEST_SKIP() << "no shellcheck";
  const testing::TempDir dir;
  dir.write("script.bash", completion_script(program(), "bash", "spyhop"));
  const Printed printed = run("shellcheck " + dir.file("script.bash"));
  EXPECT_TRUE(printed.is_ok) << printed.text;
}

TEST(ZshCompletion, NamesAllCommandsAndOptions) {
  const std::string script = completion_script(program(), "zsh", "spyhop");
  EXPECT_EQ(script.rfind("#compdef spyhop\n", 0), 0U);
  EXPECT_THAT(script, AllOf(HasSubstr("_spyhop_bench_serve() {"), HasSubstr("'*--model-src=["),
                            HasSubstr(":(huggingface modelscope auto)'"), HasSubstr("plan | cal-model-mem) _spyhop_plan ;;")));
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh";
  const testing::TempDir dir;
  dir.write("_spyhop", script);
  const Printed printed = run("zsh -n " + dir.file("_spyhop"));
  EXPECT_TRUE(printed.is_ok) << printed.text;
}

TEST(FishCompletion, CompletesCommandsOptionsAndValues) {
  const std::string script = completion_script(program(), "fish", "spyhop");
  EXPECT_THAT(script, HasSubstr("complete -c spyhop -n '__fish_seen_subcommand_from bench; and "
                                "__fish_seen_subcommand_from serve' "));
  EXPECT_THAT(script, HasSubstr("__fish_seen_subcommand_from plan cal-model-mem'"));
  if (!has_program("fish")) GTEST_SKIP() << "no fish";
  const testing::TempDir dir;
  dir.write("spyhop.fish", script);
  const auto complete = [&](const std::string& line) {
    return run("HOME=" + dir.path() + " fish -c \"source " + dir.file("spyhop.fish") + "; complete -C '" + line + "'\"").text;
  };
  EXPECT_EQ(complete("spyhop lau"), "launch\tLaunch a model: into a running server, or into one of its own\n");
  EXPECT_THAT(complete("spyhop launch --quantization "), AllOf(HasSubstr("int8\t"), HasSubstr("none\t")));
  EXPECT_THAT(complete("spyhop bench serve --num-p"), HasSubstr("--num-prompts\t"));
}

TEST(Completions, KnowEveryCommandAndOption) {
  const CommandInfo root = program();
  for (const std::string& shell : completed_shells()) {
    const std::string script = completion_script(root, shell, "spyhop");
    for (const CommandInfo* command : all_commands(root)) {
      EXPECT_THAT(script, HasSubstr(command->name())) << shell;
      for (const OptionInfo& option : command->options) {
        for (const std::string& name : option.names) {
          const std::string bare = name.substr(name.find_first_not_of('-'));
          EXPECT_THAT(script, HasSubstr(shell == "fish" ? " " + bare + " " : name)) << shell;
        }
      }
    }
  }
}

TEST(ManPage, HasEverySectionCommandAndOption) {
  const CommandInfo root = program();
  const std::string page = man_page(root, "spyhop", "1.2.3");
  EXPECT_THAT(page, HasSubstr(".TH SPYHOP 1 \"\" \"spyhop 1.2.3\" \"User Commands\"\n.SH NAME\nspyhop \\- an OpenAI"));
  for (const char* section : {"NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "DETAILS", "ENVIRONMENT", "FILES", "EXIT STATUS"}) {
    EXPECT_THAT(page, HasSubstr("\n.SH " + std::string(section) + "\n"));
  }
  EXPECT_THAT(page, HasSubstr("\n.SS spyhop bench serve\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-max\\-queue\\fR \\fINUMBER\\fR\n"));
  EXPECT_THAT(page, HasSubstr("Variable: \\%SPYHOP_MAX_QUEUE.\n"));
}

TEST(ManPage, IsSetWithoutAWarning) {
  if (!has_program("groff")) GTEST_SKIP() << "no groff";
  const testing::TempDir dir;
  dir.write("spyhop.1", man_page(program(), "spyhop", "1.2.3"));
  const Printed printed = run("groff -man -Tutf8 -ww -z " + dir.file("spyhop.1"));
  EXPECT_TRUE(printed.is_ok);
  EXPECT_EQ(printed.text, "");
  const std::string shown = run("groff -man -Tascii -P-cbou " + dir.file("spyhop.1")).text;
  EXPECT_THAT(shown, AllOf(HasSubstr("--max-queue NUMBER"), HasSubstr("'"), Not(HasSubstr("\\e"))));
}

}  // namespace
}  // namespace spyhop
