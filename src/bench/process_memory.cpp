#include "bench/process_memory.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

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

uint64_t median_of(std::vector<uint64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
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
  start_ = peak_ = last_ = *bytes;
}

void MemoryWatch::sample(double seconds) {
  const std::optional<uint64_t> bytes = resident_bytes(pid_);
  is_gone_ = !bytes;
  if (!bytes) return;
  constexpr double kSecondsApart = 1;
  peak_ = std::max(peak_, *bytes);
  last_ = *bytes;
  const double due = warm_.empty() ? warmup_seconds_ : warm_.back().seconds + kSecondsApart;
  if (seconds >= due) warm_.push_back({seconds, *bytes});
}

uint64_t MemoryWatch::base_bytes() const {
  if (warm_.empty()) return start_;
  std::vector<uint64_t> values;
  for (const Sample& sample : warm_) {
    if (sample.seconds <= warm_.front().seconds + kWindowSeconds) values.push_back(sample.bytes);
  }
  return median_of(std::move(values));
}

uint64_t MemoryWatch::end_bytes() const {
  if (warm_.empty()) return last_;
  std::vector<uint64_t> values;
  for (const Sample& sample : warm_) {
    if (sample.seconds >= warm_.back().seconds - kWindowSeconds) values.push_back(sample.bytes);
  }
  return median_of(std::move(values));
}

double MemoryWatch::growth_percent() const {
  constexpr double kPercent = 100;
  const auto base = static_cast<double>(base_bytes());
  return base > 0 ? (static_cast<double>(end_bytes()) - base) / base * kPercent : 0;
}

}  // namespace spyhop
