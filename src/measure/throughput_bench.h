// `bench throughput`: prompts and generation of a whole model, beside the limits taken in turns with them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "measure/machine_limits.h"
#include "measure/measurement.h"
#include "measure/random_decode.h"
#include "runtime/runner.h"

namespace spyhop {

struct ThroughputOptions {
  std::vector<int> prefill = {512};  // tokens of a prompt, computed in one step
  std::vector<int> batches = {1};    // sequences that generate together
  int num_steps = 64;                // tokens generated in each half of a pair; 0: no generation
  int depth = 0;                     // tokens in the cache before
  PairOptions pairs;
};

/// KV tokens that the runner must have for these options.
int64_t throughput_cache_tokens(const ThroughputOptions& options, int block_size);

/// "prefill 512", "decode x16 at 64".
std::string prefill_name(int num_tokens);
std::string decode_name(const ThroughputOptions& options, int batch);

DecodePlan decode_plan(const ThroughputOptions& options, int batch);

struct ThroughputSubject {
  Runner& runner;
  RuntimeConfig runtime;  // that it was made with
  const MachineProbe& probe;
};

/// Runs beside the calling thread's pool, which has as many threads as the runner's.
/// Prefill: operations per second beside those in registers. Generation: bytes of weights and of the KV cache per second beside
/// a plain read of memory; experts are counted as they were chosen. Each also as tokens per second.
void bench_throughput(const ThroughputSubject& subject, const ThroughputOptions& options, const MeasurementSink& sink);

/// Something beside which generation is measured: a foreign process, requests that are being prepared.
class Disturbance {
 public:
  virtual ~Disturbance() = default;
  virtual std::string name() const = 0;
  virtual void begin() = 0;
  virtual void end() = 0;
};

/// Tokens per second while disturbed, beside those without, in turns.
void bench_disturbed(const ThroughputSubject& subject, const ThroughputOptions& options, Disturbance& disturbance,
                     const MeasurementSink& sink);

}  // namespace spyhop
