// A server of this program's own, started to be measured.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace spyhop {

/// Thread safety: one thread.
class ServerProcess {
 public:
  /// Starts `program` with `arguments`, its log going nowhere. The process dies with the thread that started it. Throws
  /// Error{kInternal} when it cannot be started.
  ServerProcess(const std::string& program, const std::vector<std::string>& arguments);

  /// Asks it to stop, and waits.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Waits for the line "listening on URL", and returns the URL. Throws Error{kUnavailable} with what it said last when it ends
  /// before, or the time is over.
  std::string wait_until_ready(std::chrono::milliseconds patience);

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace spyhop
