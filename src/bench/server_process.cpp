#include "bench/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
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

constexpr size_t kMostShown = 2000;  // bytes of what a server said before it ended

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kInternal,
              std::string("a server to measure cannot be started: ") + what + ": " + std::strerror(errno));
}

/// In the child, between fork and exec: nothing here may allocate.
[[noreturn]] void become(char* const* arguments, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

/// The URL of the line that says so, or nothing.
std::string listening_url(const std::string& text) {
  const std::string words = "listening on ";
  const size_t begin = text.find(words);
  if (begin == std::string::npos) return "";
  const size_t end = text.find('\n', begin);
  return end == std::string::npos ? "" : text.substr(begin + words.size(), end - begin - words.size());
}

}  // namespace

ServerProcess::ServerProcess(const std::string& program, const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(pointers.data(), ends[1], parent);
  ::close(ends[1]);
  output_ = ends[0];
  if (pid_ < 0) {
    ::close(output_);
    fail("fork");
  }
}

ServerProcess::~ServerProcess() {
  ::close(output_);
  ::kill(pid_, SIGTERM);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string ServerProcess::wait_until_ready(std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + patience;
  std::string said;
  while (Clock::now() < end) {
    pollfd waiting{output_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (::poll(&waiting, 1, static_cast<int>(std::max<int64_t>(1, left.count()))) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(output_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw Error(ErrorCode::kUnavailable, "the server ended before it was ready; it said:\n" + said);
    said.append(buffer.data(), static_cast<size_t>(count));
    const std::string url = listening_url(said);
    if (!url.empty()) return url;
    if (said.size() > 2 * kMostShown) said.erase(0, said.size() - kMostShown);
  }
  throw Error(ErrorCode::kUnavailable, "the server was not ready after " + std::to_string(patience.count()) + " ms");
}

}  // namespace spyhop
