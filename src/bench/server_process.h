// A server of this program's own, started to be measured.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/child_process.h"

namespace spyhop {

/// Thread safety: one thread.
class ServerProcess {
 public:
  /// arguments: the program's path, then what it gets.
  explicit ServerProcess(const std::vector<std::string>& arguments) : process_(arguments, ChildProcess::Errors::kWithOutput) {}

  /// Waits for the line "listening on URL", and returns the URL. Throws Error{kUnavailable} with what it said last when it ends
  /// before, or the time is over.
  std::string wait_until_ready(std::chrono::milliseconds patience);

  pid_t pid() const { return process_.pid(); }

 private:
  ChildProcess process_;
};

}  // namespace spyhop
