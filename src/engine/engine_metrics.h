// What the engine counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/metrics.h"
#include "engine/scheduler.h"
#include "spyhop/engine.h"

namespace spyhop {

/// What does not change while an engine lives.
struct EngineFacts {
  std::string model_name;
  int max_context = 0;  // tokens
  int num_blocks = 0;   // of the KV cache
  int block_size = 0;   // tokens
  bool prefix_caching = false;
};

/// Keeps vLLM's series under names that begin with "spyhop:" in place of "vllm:", with its labels and buckets. Each of a
/// request's n answers counts as a request, as there.
/// Thread safety: set_load() from any thread, all else from the engine thread.
/// Source: the metrics of vllm/v1/metrics/loggers.py.
class EngineMetrics {
 public:
  using Clock = std::chrono::steady_clock;

  /// `metrics` outlives this object; null: nothing is counted.
  EngineMetrics(Metrics* metrics, const EngineFacts& facts);
  ~EngineMetrics();
  EngineMetrics(const EngineMetrics&) = delete;
  EngineMetrics& operator=(const EngineMetrics&) = delete;

  /// A request has come to the engine thread, and its images have been looked up.
  void note_arrival(const Request& request);

  /// A step is about to run. `num_preemptions`: since the engine was started.
  void note_step(const Step& step, int64_t num_preemptions);

  /// `sequence` has got its next token now; its last_token_at is still that of the token before.
  void note_token(const Sequence& sequence, Clock::time_point now);

  /// `sequence` has got its last token.
  void note_answer(const Sequence& sequence, FinishReason reason);

  /// All answers of a request are complete.
  void note_success(const Request& request);

  /// A request ends early.
  void note_failure(const Request& request, ErrorCode reason);

  void set_load(const EngineStats& stats);

 private:
  struct Series;
  std::unique_ptr<Series> series_;  // null: nothing is counted
};

}  // namespace spyhop
