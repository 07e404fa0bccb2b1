#include "runtime/threads.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace spyhop {
namespace {

int read_number(const std::string& path, int fallback) {
  std::ifstream file(path);
  int value = 0;
  return file >> value ? value : fallback;
}

/// Cores that the quota of cgroup v2 allows, rounded up; `fallback` when there is none.
int quota_cores(int fallback) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;  // microseconds per period, or the word "max"
  double period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) return fallback;
  return static_cast<int>(std::ceil(quota / period));
}

int count_physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int logical = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return logical;
  std::set<std::pair<int, int>> cores;  // package, core
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    cores.emplace(read_number(topology + "physical_package_id", 0), read_number(topology + "core_id", cpu));
  }
  const int count = cores.empty() ? logical : static_cast<int>(cores.size());
  return std::max(1, std::min(count, quota_cores(count)));
}

}  // namespace

int physical_cores() {
  static const int count = count_physical_cores();
  return count;
}

void keep_aten_serial() {
  if (at::get_num_threads() != 1) at::set_num_threads(1);
}

}  // namespace spyhop
