#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/text_table.h"

namespace spyhop {
namespace {

using ::testing::ElementsAre;

std::string explanation(std::vector<const char*> words) {
  CLI::App app;
  app.name("spyhop");
  declare_program(app);
  words.insert(words.begin(), "spyhop");
  try {
    app.parse(command_line_words(static_cast<int>(words.size()), words.data()));
  } catch (const CLI::ParseError&) {
    return explain_unknown_word(app);
  }
  return "parsed";
}

TEST(CommandLine, WritesShortNamesOfSeveralLettersOut) {
  const std::vector<const char*> words{"xinference", "launch", "-en", "transformers", "-mp", "/models"};
  EXPECT_THAT(command_line_words(static_cast<int>(words.size()), words.data()),
              ElementsAre("/models", "--model-path", "transformers", "--model-engine", "launch"));
}

TEST(CommandLine, NamesTheNearestCommand) {
  EXPECT_EQ(explanation({"lauch", "--port", "1"}), "spyhop has no command \"lauch\"; the nearest is launch");
  EXPECT_EQ(explanation({"lauch"}), "spyhop has no command \"lauch\"; the nearest is launch");
  EXPECT_EQ(explanation({"cal-model-men"}), "spyhop has no command \"cal-model-men\"; the nearest is cal-model-mem");
  EXPECT_EQ(explanation({"bench", "srve"}), "spyhop bench has no command \"srve\"; the nearest is serve");
  EXPECT_EQ(explanation({"zzzzzz"}), "spyhop has no command \"zzzzzz\"");
}

TEST(CommandLine, NamesTheNearestFlag) {
  EXPECT_EQ(explanation({"launch", "--max-quue=3"}), "spyhop launch has no flag \"--max-quue\"; the nearest is --max-queue");
  EXPECT_EQ(explanation({"download", "-n", "x", "--dryrun"}),
            "spyhop download has no flag \"--dryrun\"; the nearest is --dry-run");
}

TEST(CommandLine, LeavesTheRestToTheParser) {
  EXPECT_EQ(explanation({}), "");
  EXPECT_EQ(explanation({"launch", "--port", "none"}), "");
  EXPECT_EQ(explanation({"unregister"}), "");
}

TEST(TextTable, AlignsColumns) {
  EXPECT_EQ(text_table({"Name", "Size"}, {{"deepseek-vl2", "3"}, {"鲸", ""}}),
            "Name          Size\n"
            "deepseek-vl2  3\n"
            "鲸             -\n");
  EXPECT_EQ(text_table({"A"}, {}), "A\n");
}

TEST(CommandLine, UnderTheNamesOfXinferencesProgramsItServes) {
  const auto words = [](std::vector<const char*> line) {
    return command_line_words(static_cast<int>(line.size()), line.data());
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words({"/bin/xinference-local", "-H", "0.0.0.0"}), (Words{"0.0.0.0", "-H", "serve"}));
  EXPECT_EQ(words({"xinference"}), (Words{"serve"}));
  EXPECT_EQ(words({"xinference", "-p", "9000"}), (Words{"9000", "-p", "serve"}));
  EXPECT_EQ(words({"xinference", "launch"}), (Words{"launch"}));
  EXPECT_EQ(words({"xinference", "--version"}), (Words{"--version"}));
  EXPECT_EQ(words({"spyhop"}), (Words{}));
}

TEST(CommandLine, MpIsAPathForALaunchAndAPortForAServer) {
  const auto first = [](std::vector<const char*> line) {
    return command_line_words(static_cast<int>(line.size()), line.data()).front();
  };
  EXPECT_EQ(first({"spyhop", "launch", "-mp"}), "--model-path");
  EXPECT_EQ(first({"spyhop", "serve", "-mp"}), "--metrics-exporter-port");
  EXPECT_EQ(first({"xinference-local", "-mp"}), "--metrics-exporter-port");
}

}  // namespace
}  // namespace spyhop
