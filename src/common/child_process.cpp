#include "common/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kNotStarted = 127;  // exit status, as a shell has it

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kInternal, std::string("no child process: ") + what + ": " + std::strerror(errno));
}

struct Streams {
  int input = -1;
  int output = -1;
  bool errors_with_output = false;
};

/// In the child, between fork and exec: nothing here may allocate.
[[noreturn]] void become(char* const* arguments, const Streams& streams, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNotStarted);
  ::dup2(streams.input, STDIN_FILENO);
  ::dup2(streams.output, STDOUT_FILENO);
  if (streams.errors_with_output) ::dup2(streams.output, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  ::_exit(kNotStarted);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, Errors errors) {
  std::array<int, 2> to_child{};  // a socket: writing to one whose other end is gone need not raise a signal
  std::array<int, 2> from_child{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to_child.data()) != 0) fail("socketpair");
  if (::pipe2(from_child.data(), O_CLOEXEC) != 0) {
    for (const int fd : to_child) ::close(fd);
    fail("pipe");
  }
  std::vector<std::string> words = arguments;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(pointers.data(), {to_child[1], from_child[1], errors == Errors::kWithOutput}, parent);
  ::close(to_child[1]);
  ::close(from_child[1]);
  input_ = to_child[0];
  output_ = from_child[0];
  if (pid_ > 0) return;
  ::close(input_);
  ::close(output_);
  fail("fork");
}

ChildProcess::~ChildProcess() {
  ::close(input_);
  ::close(output_);
  ::kill(pid_, SIGTERM);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::write_line(const std::string& line) {
  const std::string bytes = line + "\n";
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::send(input_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    done += static_cast<size_t>(count);
  }
}

std::optional<std::string> ChildProcess::read_line(std::chrono::steady_clock::time_point until) {
  using Clock = std::chrono::steady_clock;
  for (;;) {
    const size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (has_ended_ || left.count() <= 0) return std::nullopt;
    pollfd waiting{output_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left.count(), 1 << 30))) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(output_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    has_ended_ = count <= 0;
    if (count > 0) unread_.append(buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace spyhop
