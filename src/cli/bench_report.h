// How the measuring benches print: a table line by line as it comes, or JSON at the end.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "measure/machine_limits.h"
#include "measure/measurement.h"

namespace spyhop {

/// {"results": [{"name", "value", "unit", "limit", "ratio"}], "machine": {...}}.
nlohmann::ordered_json bench_json(const std::vector<Measurement>& lines, const MachineState& before, const MachineState& after);

class BenchReport {
 public:
  /// Probes the machine, which takes a moment, and prints what was found.
  explicit BenchReport(bool prints_json);

  const MachineProbe& probe() const { return probe_; }
  const MachineState& machine() const { return before_; }

  /// Where the lines go. The report outlives it.
  MeasurementSink sink();

  /// Probes again: how the machine changed meanwhile.
  void finish();

 private:
  MachineProbe probe_;
  MachineState before_;
  std::vector<Measurement> lines_;
  bool prints_json_;
};

}  // namespace spyhop
