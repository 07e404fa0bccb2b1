// An engine that answers from a script, and remembers what it was asked.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "spyhop/engine.h"

namespace spyhop::test {

/// What one stream does, step by step. A stream whose script is at its end stays silent.
struct Step {
  std::chrono::milliseconds wait{0};
  ChatEvent event;
  bool gated = false;  // comes only after open_gate()
};

using Script = std::vector<Step>;

/// Thread safety: all members from any thread.
class FakeEngine : public Engine {
 public:
  /// Answers every request with what `make_script` gives for it, or throws what it throws.
  explicit FakeEngine(std::function<Script(const ChatRequest&)> make_script, std::string id = "deepseek-ai/deepseek-vl2-tiny")
      : make_script_(std::move(make_script)), id_(std::move(id)) {}

  std::unique_ptr<ResponseStream> submit(ChatRequest request) override {
    Script script = make_script_(request);
    const std::lock_guard<std::mutex> lock(log_->mutex);
    log_->requests.push_back(std::move(request));
    ++log_->num_open;
    log_->changed.notify_all();
    return std::make_unique<Stream>(std::move(script), log_);
  }

  ModelInfo model() const override { return {id_, 1734000000, 4096, "fp_0123"}; }
  EngineStats stats() const override { return load; }
  void drain(std::chrono::milliseconds) override {}

  EngineStats load;  // set before the server starts

  ChatRequest last_request() const {
    const std::lock_guard<std::mutex> lock(log_->mutex);
    return log_->requests.back();
  }

  void open_gate() {
    const std::lock_guard<std::mutex> lock(log_->mutex);
    log_->gate_is_open = true;
    log_->changed.notify_all();
  }

  /// Whether `num_requests` in all have come within `timeout`.
  bool wait_for_requests(size_t num_requests, std::chrono::milliseconds timeout) const {
    std::unique_lock<std::mutex> lock(log_->mutex);
    return log_->changed.wait_for(lock, timeout, [&] { return log_->requests.size() == num_requests; });
  }

  /// Whether `num_open` streams are alive within `timeout`.
  bool wait_for_open(int num_open, std::chrono::milliseconds timeout) const {
    std::unique_lock<std::mutex> lock(log_->mutex);
    return log_->changed.wait_for(lock, timeout, [&] { return log_->num_open == num_open; });
  }

 private:
  struct Log {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ChatRequest> requests;
    int num_open = 0;
    bool gate_is_open = false;
  };

  class Stream : public ResponseStream {
   public:
    Stream(Script script, std::shared_ptr<Log> log) : script_(std::move(script)), log_(std::move(log)) {}

    ~Stream() override {
      const std::lock_guard<std::mutex> lock(log_->mutex);
      --log_->num_open;
      log_->changed.notify_all();
    }

    std::optional<ChatEvent> next(std::chrono::milliseconds timeout) override {
      std::unique_lock<std::mutex> lock(log_->mutex);
      const auto passes_gate = [this] { return next_ < script_.size() && (!script_[next_].gated || log_->gate_is_open); };
      if (!log_->changed.wait_for(lock, timeout, passes_gate)) return std::nullopt;
      lock.unlock();
      Step& step = script_[next_];
      const std::chrono::milliseconds wait = std::min(step.wait, timeout);
      std::this_thread::sleep_for(wait);
      step.wait -= wait;
      if (step.wait.count() > 0) return std::nullopt;
      ++next_;
      return std::move(step.event);
    }

   private:
    Script script_;
    size_t next_ = 0;
    std::shared_ptr<Log> log_;
  };

  std::function<Script(const ChatRequest&)> make_script_;
  const std::string id_;
  std::shared_ptr<Log> log_ = std::make_shared<Log>();
};

}  // namespace spyhop::test
