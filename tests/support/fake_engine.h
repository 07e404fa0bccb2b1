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
    return std::make_unique<Stream>(std::move(script), log_, prompt_usage, images);
  }

  /// One token per byte of what stands in the request, and a hundred for each image.
  PromptTokens tokenize(const ChatRequest& request, bool with_tokens) const override {
    PromptTokens prompt;
    std::string text;
    if (request.prompt) {
      if (const auto* ids = std::get_if<std::vector<int32_t>>(&request.prompt->content)) return {*ids, {}, 0};
      text = std::get<std::string>(request.prompt->content);
    }
    for (const ChatMessage& message : request.messages) {
      for (const ContentPart& part : message.content) {
        if (const auto* piece = std::get_if<TextPart>(&part)) text += piece->text;
        if (std::holds_alternative<ImagePart>(part)) prompt.num_image_tokens += 100;
      }
    }
    for (const char byte : text) {
      prompt.ids.push_back(static_cast<unsigned char>(byte));
      if (with_tokens) prompt.tokens.emplace_back(1, byte);
    }
    prompt.ids.insert(prompt.ids.end(), static_cast<size_t>(prompt.num_image_tokens), 999);
    if (with_tokens) prompt.tokens.resize(prompt.ids.size(), "<image>");
    return prompt;
  }

  std::string detokenize(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (const int32_t id : ids) text += static_cast<char>(id);
    return text;
  }

  ModelInfo model() const override { return {id_, 1734000000, 4096, "fp_0123", 1000, sampling}; }
  EngineStats stats() const override { return load; }
  void drain(std::chrono::milliseconds) override {}

  EngineStats load;  // set before the server starts, as are these
  SamplingDefaults sampling;
  Usage prompt_usage;
  std::vector<ImageUse> images;

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
    Stream(Script script, std::shared_ptr<Log> log, Usage usage, std::vector<ImageUse> images)
        : script_(std::move(script)), log_(std::move(log)), usage_(usage), images_(std::move(images)) {}

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

    Usage prompt_usage() const override { return usage_; }
    std::vector<ImageUse> images() const override { return images_; }

   private:
    Script script_;
    size_t next_ = 0;
    std::shared_ptr<Log> log_;
    Usage usage_;
    const std::vector<ImageUse> images_;
  };

  std::function<Script(const ChatRequest&)> make_script_;
  const std::string id_;
  std::shared_ptr<Log> log_ = std::make_shared<Log>();
};

}  // namespace spyhop::test
