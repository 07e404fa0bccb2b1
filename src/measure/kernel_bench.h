// `bench kernels`: each operation of the model by itself, beside the limit it meets first.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "measure/machine_limits.h"
#include "measure/measurement.h"
#include "registry/model_config.h"

namespace spyhop {

struct KernelBenchOptions {
  std::vector<std::string> sizes = {"tiny", "small", "base"};  // of the registered family
  std::vector<std::string> formats = {"bf16"};                 // of weights; see bench_formats
  std::vector<int64_t> rows = {1, 2, 4, 8, 16, 48, 64, 256, 512};
  int64_t context = 4096;                    // tokens that decode attends to
  std::string filter;                        // only names that contain it; empty: all
  int64_t least_bytes = int64_t{512} << 20;  // that weights and caches are spread over: more than any cache holds
  PairOptions pairs;
};

/// What the parts of the bench share.
struct KernelBench {
  const KernelBenchOptions& options;
  const MachineState& machine;  // tells which limit comes first
  const MeasurementSink& sink;

  bool wants(const std::string& name) const;

  /// Something that reads `regions` once per call of `work.run` and does `operations`: GB/s beside a plain read of the very
  /// same memory, or GFLOP/s beside arithmetic in registers, whichever takes longer.
  struct Subject {
    std::string name;
    std::function<void()> run;
    std::vector<MemoryRegion> regions;
    double operations = 0;
    Arithmetic arithmetic = Arithmetic::kBf16;
  };
  void measure(const Subject& subject) const;
};

/// Runs all on the calling thread's pool. Throws Error{kInvalidRequest} for unknown sizes and formats.
void bench_kernels(const KernelBenchOptions& options, const MachineState& machine, const MeasurementSink& sink);

void bench_linear_kernels(const KernelBench& bench);
void bench_attention_kernels(const KernelBench& bench);
void bench_row_kernels(const KernelBench& bench);

/// The dimensions of a registered size by its name.
ModelConfig bench_model(const std::string& size);

}  // namespace spyhop
