#include "measure/cpu_watch.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace spyhop {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double own_seconds(int who) {
  rusage usage{};
  if (::getrusage(who, &usage) != 0) return 0;
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// User, nice, system, interrupts and steal of the first line of /proc/stat; not idle, not waiting for disks.
double machine_seconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, interrupts = 0, soft_interrupts = 0, steal = 0;
  if (!(file >> cpu >> user >> nice >> system >> idle >> waiting >> interrupts >> soft_interrupts >> steal)) return 0;
  return (user + nice + system + interrupts + soft_interrupts + steal) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// User and system time of a process, all of its threads; 0 when it is gone.
double process_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // up to the faults of its children
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

CpuWatch::Clocks CpuWatch::read() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  Clocks clocks{std::chrono::duration<double>(now).count(), machine_seconds(),
                own_seconds(RUSAGE_SELF) + own_seconds(RUSAGE_CHILDREN)};
  for (const pid_t companion : companions_) clocks.own_seconds += process_seconds(companion);
  return clocks;
}

CpuWatch::CpuWatch(std::vector<pid_t> companions) : companions_(std::move(companions)), begin_(read()) {}

double CpuWatch::others_cores() const {
  const Clocks end = read();
  const double wall = end.wall_seconds - begin_.wall_seconds;
  if (wall <= 0) return 0;
  const double others = (end.machine_seconds - begin_.machine_seconds) - (end.own_seconds - begin_.own_seconds);
  return std::max(0.0, others / wall);
}

double seconds_without_core() {
  std::error_code gone;
  double nanoseconds = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::ifstream file(thread.path() / "schedstat");
    double running = 0, waiting = 0;
    if (file >> running >> waiting) nanoseconds += waiting;
  }
  return nanoseconds * 1e-9;
}

}  // namespace spyhop
