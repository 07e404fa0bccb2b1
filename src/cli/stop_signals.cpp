#include "cli/stop_signals.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

int signal_pipe[2] = {-1, -1};  // not a member: a handler is given nothing but the number

void hand_over(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const ssize_t written = write(signal_pipe[1], &byte, 1);  // fails when full: thousands wait already
  errno = saved;
}

}  // namespace

StopSignals::StopSignals() {
  if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw Error(ErrorCode::kInternal, std::string("no pipe for signals: ") + std::strerror(errno));
  }
  struct sigaction action {};
  action.sa_handler = hand_over;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

int StopSignals::wait() {
  for (;;) {
    if (const int number = poll_pipe(-1)) return number;
  }
}

int StopSignals::wait_for(std::chrono::milliseconds timeout) {
  return poll_pipe(static_cast<int>(timeout.count()));
}

int StopSignals::poll_pipe(int timeout_ms) {
  pollfd readable{signal_pipe[0], POLLIN, 0};
  if (poll(&readable, 1, timeout_ms) <= 0) return 0;  // nothing, or a signal that is in the pipe for the next call
  unsigned char number = 0;
  return read(signal_pipe[0], &number, 1) == 1 ? number : 0;
}

}  // namespace spyhop
