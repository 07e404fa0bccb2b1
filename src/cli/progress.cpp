#include "cli/progress.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>

namespace spyhop {

void show_progress(double share) {
  static int last = -1;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const int percent = static_cast<int>(share * 100);
  if (percent == last || (!terminal && percent / 10 == last / 10 && last >= 0)) return;
  last = percent;
  if (terminal) {
    std::fprintf(stderr, "\rloading %3d %% [%-40.*s]%s", percent, percent * 40 / 100,
                 "########################################", percent == 100 ? "\n" : "");
  } else {
    spdlog::info("event=loading percent={}", percent);
  }
}

}  // namespace spyhop
