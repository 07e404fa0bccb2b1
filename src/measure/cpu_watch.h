// How much of the machine others take while something is measured.
#pragma once

#include <sys/types.h>

#include <vector>

namespace spyhop {

/// From its construction on.
class CpuWatch {
 public:
  /// companions: processes that belong to what is measured.
  explicit CpuWatch(std::vector<pid_t> companions = {});

  /// Cores that were busy with anything but this process, its companions and the children it has waited for, or that a
  /// hypervisor gave to other machines; the mean since construction. 0 where the kernel does not say.
  double others_cores() const;

 private:
  struct Clocks {
    double wall_seconds = 0;
    double machine_seconds = 0;  // of all cores: busy or stolen
    double own_seconds = 0;
  };
  Clocks read() const;

  std::vector<pid_t> companions_;
  Clocks begin_;
};

/// Seconds that the threads of this process have so far been ready to run without getting a core, all together: exact to
/// microseconds, where others_cores() counts in ticks. 0 where the kernel does not say.
double seconds_without_core();

}  // namespace spyhop
