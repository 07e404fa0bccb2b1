// Another program, started from here and spoken with line by line.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace spyhop {

/// The process gets SIGTERM when the thread that started it ends.
/// Thread safety: one thread.
class ChildProcess {
 public:
  enum class Errors {
    kInherited,   // its standard error is ours
    kWithOutput,  // lines of both streams, as they come
  };

  /// arguments: the program's path, then what it gets. Throws Error{kInternal} when no process can be made; a program that does
  /// not exist ends at once.
  ChildProcess(const std::vector<std::string>& arguments, Errors errors);

  /// Asks it to stop, and waits.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Without effect once it has ended.
  void write_line(const std::string& line);

  /// The next line, without its end; nothing when there is none until then, or when it has closed its output.
  std::optional<std::string> read_line(std::chrono::steady_clock::time_point until);

  bool has_ended() const { return has_ended_; }  // as far as read_line knows
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string unread_;
  bool has_ended_ = false;
};

}  // namespace spyhop
