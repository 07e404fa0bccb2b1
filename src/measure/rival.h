// Another program that runs a model of the same shape, measured in turns with this one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/child_process.h"
#include "measure/throughput_bench.h"

namespace spyhop {

/// A program that says "ready", then answers each line with tokens per second, a number, or "error" and why:
///   prefill TOKENS               a prompt of so many random tokens, in an empty cache
///   decode SEQUENCES DEPTH STEPS so many steps of so many sequences, each with its own random tokens, after DEPTH tokens that
///                                are not timed
class Rival {
 public:
  /// command: for a shell. Waits until the program is ready. Throws Error{kUnavailable}.
  explicit Rival(const std::string& command);

  double prefill(int num_tokens) { return ask("prefill " + std::to_string(num_tokens)); }
  double decode(const DecodePlan& plan);
  pid_t pid() const { return process_.pid(); }

 private:
  double ask(const std::string& request);

  ChildProcess process_;
};

/// Both, one right after the other.
struct RivalPair {
  std::string name;
  double ours = 0;  // tokens per second
  double rivals = 0;
  double read_before = 0;  // bytes per second that memory gave around the pair
  double read_after = 0;
  double others_cores = 0;  // busy with neither of the two

  /// Whether others left the machine alone, and its bandwidth stayed.
  bool is_quiet() const;
};

struct RivalSinks {
  std::function<void(const RivalPair&)> pair;  // each as it comes
  MeasurementSink summary;
};

/// The median of the quiet pairs; of all where none is.
Measurement summarize(const std::vector<RivalPair>& pairs);

/// What bench_throughput measures, but beside the rival in place of the limits: tokens per second, ours / its.
void bench_rival(const ThroughputSubject& subject, const ThroughputOptions& options, Rival& rival, const RivalSinks& sinks);

}  // namespace spyhop
