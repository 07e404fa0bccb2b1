// How the measuring benches print: a table line by line as it comes, or JSON at the end.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "measure/cpu_watch.h"
#include "measure/machine_limits.h"
#include "measure/measurement.h"
#include "measure/rival.h"

namespace spyhop {

/// The machine around a run.
struct MachineRecord {
  MachineState before;
  MachineState after;
  double others_cores = 0;  // busy with anything else meanwhile
};

/// {"results": [{"name", "value", "unit", "limit", "ratio"}], "machine": {...}}.
nlohmann::ordered_json bench_json(const std::vector<Measurement>& lines, const MachineRecord& machine);

/// [{"name", "ours", "rivals", "ratio", "read_gb_per_s_before", "read_gb_per_s_after",
/// "others_cores", "quiet"}].
nlohmann::ordered_json rival_pairs_json(const std::vector<RivalPair>& pairs);

class BenchReport {
 public:
  /// Probes the machine, which takes a moment, and prints what was found.
  explicit BenchReport(bool prints_json);

  const MachineProbe& probe() const { return probe_; }
  const MachineState& machine() const { return record_.before; }

  /// Where the lines go. The report outlives it.
  MeasurementSink sink();
  RivalSinks rival_sinks();

  /// Probes again: how the machine changed meanwhile.
  void finish();

 private:
  MachineProbe probe_;
  MachineRecord record_;
  CpuWatch others_;
  std::vector<Measurement> lines_;
  std::vector<RivalPair> pairs_;
  bool prints_json_;
};

}  // namespace spyhop
