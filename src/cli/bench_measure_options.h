// What `spyhop bench kernels`, `throughput`, `vision` and `load` have in common.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "measure/paired_rates.h"
#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

struct BenchMeasureOptions {
  RuntimeConfig runtime;
  PairOptions pairs;
  double min_milliseconds = 50;  // of each half of a pair
  bool prints_json = false;
  std::string model_path;  // empty: dummy weights
  std::string model_size = "3";
};

/// Declares what all four take; `options` outlives the command.
void declare_bench_options(CLI::App& command, BenchMeasureOptions& options);

/// Declares where the model comes from, and how its weights are kept.
void declare_bench_model_options(CLI::App& command, BenchMeasureOptions& options);

/// Carries over what CLI11 could not put in place by itself, and chooses the instruction set. Throws Error{kInvalidRequest}.
void resolve_bench_options(BenchMeasureOptions& options);

/// Of the checkpoint or of the registered size.
ModelConfig bench_model_config(const BenchMeasureOptions& options);

}  // namespace spyhop
