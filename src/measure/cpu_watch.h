// How much of the machine others take while something is measured.
#pragma once

namespace spyhop {

/// From its construction on.
class CpuWatch {
 public:
  CpuWatch();

  /// Cores that were busy with anything but this process and the children it has waited for, or that a hypervisor gave to other
  /// machines; the mean since construction. 0 where the kernel does not say.
  double others_cores() const;

 private:
  struct Clocks {
    double wall_seconds = 0;
    double machine_seconds = 0;  // of all cores: busy or stolen
    double own_seconds = 0;
  };
  static Clocks read();

  Clocks begin_;
};

}  // namespace spyhop
