// SIGTERM and SIGINT, as they come.
#pragma once

#include <chrono>

namespace spyhop {

/// Takes SIGTERM and SIGINT for the rest of the process's life, which no longer end it; one object per process.
/// A handler hands them over through a pipe. Blocking them for sigwait would not do: libraries start threads before main, those
/// would still take them, by their default action, which the first process of a container is even spared from.
/// Thread safety: wait() and wait_for() from one thread at a time.
class StopSignals {
 public:
  /// Throws Error{kInternal} when the system has no pipe left.
  StopSignals();

  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The next signal's number, once it comes.
  int wait();

  /// The next signal's number, or 0 when none comes in time.
  int wait_for(std::chrono::milliseconds timeout);

 private:
  int poll_pipe(int timeout_ms);
};

}  // namespace spyhop
