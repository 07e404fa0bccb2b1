// How the measuring benches print: a table line by line as it comes, or JSON at the end.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "measure/cpu_watch.h"
#include "measure/machine_limits.h"
#include "measure/measurement.h"

namespace spyhop {

/// The machine around a run.
struct MachineRecord {
  MachineState before;
  MachineState after;
  double others_cores = 0;  // busy with anything else meanwhile
};

/// {"results": [{"name", "value", "unit", "limit", "ratio"}], "machine": {...}}.
nlohmann::ordered_json bench_json(const std::vector<Measurement>& lines, const MachineRecord& machine);

class BenchReport {
 public:
  /// Probes the machine, which takes a moment, and prints what was found.
  explicit BenchReport(bool prints_json);

  const MachineProbe& probe() const { return probe_; }
  const MachineState& machine() const { return record_.before; }

  /// Where the lines go. The report outlives it.
  MeasurementSink sink();

  /// Probes again: how the machine changed meanwhile.
  void finish();

 private:
  MachineProbe probe_;
  MachineRecord record_;
  CpuWatch others_;
  std::vector<Measurement> lines_;
  bool prints_json_;
};

}  // namespace spyhop
