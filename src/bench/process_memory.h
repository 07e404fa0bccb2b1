// Memory of another process on this machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace spyhop {

/// Bytes of a process's memory that are in RAM, from /proc/PID/status; nothing when there is no such process.
std::optional<uint64_t> resident_bytes(pid_t pid);

/// The most that was there at any time.
std::optional<uint64_t> peak_resident_bytes(pid_t pid);

/// The resident memory of a process over a run. What a server holds goes up and down by some per cent with the requests of the
/// moment, so the base, taken once it has warmed up, and the end are medians over kWindowSeconds, of which samples are a second
/// apart.
class MemoryWatch {
 public:
  static constexpr double kWindowSeconds = 30;

  /// Throws Error{kInvalidRequest} when there is no such process.
  MemoryWatch(pid_t pid, double warmup_seconds);

  /// Takes a value, `seconds` after the begin of the run. Cheap enough for several times a second.
  void sample(double seconds);

  uint64_t start_bytes() const { return start_; }
  uint64_t base_bytes() const;  // the start where the run was over before the warm-up
  uint64_t peak_bytes() const { return peak_; }
  uint64_t end_bytes() const;
  bool is_gone() const { return is_gone_; }
  double warmup_seconds() const { return warmup_seconds_; }
  bool is_warm() const { return !warm_.empty(); }
  /// From the base to the end, in per cent of the base.
  double growth_percent() const;

 private:
  const pid_t pid_;
  const double warmup_seconds_;
  uint64_t start_ = 0;
  uint64_t peak_ = 0;
  uint64_t last_ = 0;
  struct Sample {
    double seconds;
    uint64_t bytes;
  };
  std::vector<Sample> warm_;  // since the warm-up
  bool is_gone_ = false;
};

}  // namespace spyhop
