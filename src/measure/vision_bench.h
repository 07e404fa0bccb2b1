// `bench vision`: tower and projector beside the arithmetic that the machine has.
#pragma once

#include "measure/measurement.h"
#include "runtime/runner.h"

namespace spyhop {

struct VisionBenchOptions {
  int tiles = 1;  // per call
  PairOptions pairs;
};

/// Tiles per second and operations per second, in turns with arithmetic in registers on the calling thread's pool, which has
/// as many threads as the runner's.
void bench_vision(Runner& runner, ComputeType compute, const VisionBenchOptions& options, const MeasurementSink& sink);

/// The same tower and projector behind a decoder of next to nothing: dummy weights of a tower alone.
ModelConfig vision_only(ModelConfig config);

}  // namespace spyhop
