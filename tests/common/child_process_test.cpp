#include "common/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <optional>

namespace spyhop {
namespace {

std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

TEST(ChildProcess, LinesGoThereAndBack) {
  ChildProcess process({"sh", "-c", "while read line; do echo \"<$line>\"; done"}, ChildProcess::Errors::kInherited);
  process.write_line("one");
  process.write_line("two words");
  EXPECT_EQ(process.read_line(soon()), "<one>");
  EXPECT_EQ(process.read_line(soon()), "<two words>");
  EXPECT_FALSE(process.has_ended());
}

TEST(ChildProcess, ErrorsCanComeWithTheOutput) {
  ChildProcess process({"sh", "-c", "echo to errors >&2"}, ChildProcess::Errors::kWithOutput);
  EXPECT_EQ(process.read_line(soon()), "to errors");
}

TEST(ChildProcess, AnEndIsTold) {
  ChildProcess process({"sh", "-c", "echo last; exit 3"}, ChildProcess::Errors::kInherited);
  EXPECT_EQ(process.read_line(soon()), "last");
  EXPECT_EQ(process.read_line(soon()), std::nullopt);
  EXPECT_TRUE(process.has_ended());
  process.write_line("nobody reads this");
}

TEST(ChildProcess, AProgramThatDoesNotExistEndsAtOnce) {
  ChildProcess process({"/nowhere/at all"}, ChildProcess::Errors::kInherited);
  EXPECT_EQ(process.read_line(soon()), std::nullopt);
  EXPECT_TRUE(process.has_ended());
}

TEST(ChildProcess, WaitingEnds) {
  ChildProcess process({"sleep", "60"}, ChildProcess::Errors::kInherited);
  EXPECT_EQ(process.read_line(std::chrono::steady_clock::now() + std::chrono::milliseconds(20)), std::nullopt);
  EXPECT_FALSE(process.has_ended());
}

TEST(ChildProcess, ItEndsWithTheObject) {
  auto process = std::make_unique<ChildProcess>(std::vector<std::string>{"sleep", "60"}, ChildProcess::Errors::kInherited);
  const pid_t pid = process->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  process.reset();
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace spyhop
