// The engine: one thread that owns scheduler, sequences and runtime.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/answer_guide.h"
#include "engine/block_pool.h"
#include "engine/engine_metrics.h"
#include "engine/image_features.h"
#include "engine/retry_estimate.h"
#include "engine/scheduler.h"
#include "prompt/prepare.h"
#include "runtime/runner.h"
#include "spyhop/engine.h"

namespace spyhop {

/// Thread safety: public members may be called from any thread; the private ones below `loop` belong to the engine thread.
class EngineImpl : public Engine {
 public:
  /// `metrics` may be null.
  EngineImpl(const EngineConfig& config, ModelInfo info, std::unique_ptr<Runner> runner, PrepareContext prepare,
             Metrics* metrics = nullptr);
  ~EngineImpl() override;

  std::unique_ptr<ResponseStream> submit(ChatRequest request) override;
  PromptTokens tokenize(const ChatRequest& request, bool with_tokens) const override;
  std::string detokenize(const std::vector<int32_t>& ids) const override;
  ModelInfo model() const override { return info_; }
  EngineStats stats() const override;
  void drain(std::chrono::milliseconds timeout) override;

 private:
  using RequestPtr = std::unique_ptr<Request>;

  EngineStats load(const std::lock_guard<std::mutex>& held) const;
  void check_admission(const ChatRequest& chat, const std::lock_guard<std::mutex>& held) const;
  Request::Clock::time_point deadline_of(const ChatRequest& chat, Request::Clock::time_point submitted_at) const;
  RequestPtr prepare(ChatRequest chat) const;
  RequestPtr make_request(ChatRequest chat, PreparedPrompt prompt, std::optional<GuideRules> guide) const;
  void enqueue(RequestPtr request);

  void loop();
  bool wait_for_work();
  void take_submitted();
  void drop_ended();
  void note_load();
  void run(const Step& step);
  void forward(const std::vector<ScheduledSequence>& scheduled);
  void postprocess(const std::vector<ScheduledSequence>& scheduled, const std::vector<std::optional<SampledToken>>& sampled);
  void emit(Sequence& sequence, SequenceOutput output);
  void note_token(Sequence& sequence);
  void fail_all(const Error& error);
  void close(Request& request, ChatEvent last);

  // Constant after construction.
  const EngineConfig config_;
  const ModelInfo info_;
  const PrepareContext prepare_;
  const GuideMaker guides_;

  // Engine thread only.
  std::unique_ptr<Runner> runner_;
  BlockPool blocks_;
  Scheduler scheduler_;
  ImageFeatures images_;
  std::vector<RequestPtr> requests_;  // in flight

  EngineMetrics metrics_;

  std::atomic<int> num_running_{0};  // sequences
  std::atomic<int> num_used_blocks_{0};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RequestPtr> submitted_;  // guarded by mutex_
  uint64_t num_arrived_ = 0;           // guarded by mutex_
  int num_open_ = 0;                   // guarded by mutex_: answers submitted and not closed
  RetryEstimate retry_;                // guarded by mutex_
  bool draining_ = false;              // guarded by mutex_
  bool abort_ = false;                 // guarded by mutex_: the engine thread ends what is left
  bool stop_ = false;                  // guarded by mutex_

  std::thread thread_;
};

}  // namespace spyhop
