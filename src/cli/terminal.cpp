#include "cli/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace spyhop {
namespace {

constexpr size_t kMaxLine = size_t{64} << 10;

std::optional<std::string> read_line() {
  std::string line;
  for (char c = 0; line.size() < kMaxLine;) {
    const ssize_t num_read = ::read(STDIN_FILENO, &c, 1);
    if (num_read <= 0) break;
    if (c == '\n') return line;
    line += c;
  }
  return line.empty() ? std::nullopt : std::optional<std::string>(line);
}

termios shown_settings;  // for the handler, which can be given nothing

extern "C" void show_and_end(int number) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &shown_settings);
  ::_exit(128 + number);
}

/// What is typed is not shown, until destruction.
class HiddenInput {
 public:
  HiddenInput() {
    ::tcgetattr(STDIN_FILENO, &shown_settings);
    for (size_t i = 0; i < kNumSignals; ++i) previous_[i] = std::signal(kSignals[i], show_and_end);
    termios hidden = shown_settings;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  ~HiddenInput() {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &shown_settings);
    for (size_t i = 0; i < kNumSignals; ++i) std::signal(kSignals[i], previous_[i]);
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  static constexpr size_t kNumSignals = sizeof(kSignals) / sizeof(kSignals[0]);
  void (*previous_[kNumSignals])(int) = {};
};

}  // namespace

bool is_interactive() {
  return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0;
}

bool ask_yes_or_no(const std::string& question) {
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string answer = read_line().value_or("");
  for (char& c : answer) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return answer == "y" || answer == "yes";
}

std::optional<std::string> read_secret(const std::string& prompt) {
  if (::isatty(STDIN_FILENO) == 0) return read_line();
  std::optional<std::string> line;
  {
    const HiddenInput hidden;
    std::fputs(prompt.c_str(), stderr);  // only now, so that nothing typed after it is shown
    line = read_line();
  }
  std::fputs("\n", stderr);
  return line;
}

}  // namespace spyhop
