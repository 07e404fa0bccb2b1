#include "bench/process_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

std::optional<uint64_t> status_bytes(pid_t pid, const char* field) {
  constexpr uint64_t kKilobyte = 1024;
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    uint64_t kilobytes = 0;
    if (word == field && status >> kilobytes) return kilobytes * kKilobyte;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> resident_bytes(pid_t pid) {
  return status_bytes(pid, "VmRSS:");
}

std::optional<uint64_t> peak_resident_bytes(pid_t pid) {
  return status_bytes(pid, "VmHWM:");
}

MemoryWatch::MemoryWatch(pid_t pid, double warmup_seconds) : pid_(pid), warmup_seconds_(warmup_seconds) {
  const std::optional<uint64_t> bytes = resident_bytes(pid);
  if (!bytes) throw Error(ErrorCode::kInvalidRequest, "no process " + std::to_string(pid) + " on this machine", "--server-pid");
  start_ = peak_ = end_ = *bytes;
}

void MemoryWatch::sample(double seconds) {
  const std::optional<uint64_t> bytes = resident_bytes(pid_);
  is_gone_ = !bytes;
  if (!bytes) return;
  if (!base_ && seconds >= warmup_seconds_) base_ = bytes;
  peak_ = std::max(peak_, *bytes);
  end_ = *bytes;
}

double MemoryWatch::growth_percent() const {
  constexpr double kPercent = 100;
  const auto base = static_cast<double>(base_bytes());
  return base > 0 ? (static_cast<double>(end_) - base) / base * kPercent : 0;
}

}  // namespace spyhop
