// An engine over a runner that a test dictates, and what its streams brought.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/metrics.h"
#include "engine/engine_impl.h"
#include "support/fake_model.h"

namespace spyhop {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

inline ChatRequest ask(const std::string& text) {
  ChatRequest request;
  request.messages = {{Role::kUser, {TextPart{text}}}};
  return request;
}

// 1 x 1 red pixel.
inline constexpr const char* kImageUrl =
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

inline ChatRequest ask_about_image() {
  ChatRequest request = ask("what?");
  request.messages[0].content.emplace_back(ImagePart{kImageUrl, ImageDetail::kAuto});
  return request;
}

struct Collected {
  std::map<int, std::string> texts;
  std::map<int, FinishReason> finishes;
  std::optional<Usage> usage;
  Timings timings;
  std::optional<StreamError> error;
};

inline Collected collect(ResponseStream& stream) {
  Collected result;
  const auto deadline = steady_clock::now() + seconds(20);
  while (!result.usage && !result.error && steady_clock::now() < deadline) {
    const auto event = stream.next(milliseconds(100));
    if (!event) continue;
    if (const auto* delta = std::get_if<TextDelta>(&*event)) result.texts[delta->choice] += delta->text;
    if (const auto* finish = std::get_if<ChoiceFinish>(&*event)) result.finishes[finish->choice] = finish->reason;
    if (const auto* end = std::get_if<StreamEnd>(&*event)) {
      result.usage = end->usage;
      result.timings = end->timings;
    }
    if (const auto* error = std::get_if<StreamError>(&*event)) result.error = *error;
  }
  return result;
}

template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = steady_clock::now() + seconds(10);
  while (steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return false;
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { spdlog::set_level(spdlog::level::off); }

  /// Starts an engine whose model answers `answer`.
  void start(const std::string& answer, const std::function<void(FakeRunner&)>& prepare_runner = nullptr) {
    auto runner = std::make_unique<FakeRunner>(answer, num_blocks_, 16);
    runner_ = runner.get();
    if (prepare_runner) prepare_runner(*runner);
    ModelInfo info;
    info.id = "fake";
    info.max_context = 512;
    info.vocab_size = runner->config().language.vocab_size;
    PrepareContext prepare;
    prepare.tokenizer = std::make_shared<FakeTokenizer>();
    prepare.processor = runner->config().processor;
    prepare.max_context = info.max_context;
    prepare.vocab_size = info.vocab_size;
    prepare.fetch = config_.fetch;
    engine_ = std::make_unique<EngineImpl>(config_, info, std::move(runner), prepare, &metrics_);
  }

  /// A gate that holds every step until it is opened.
  std::function<void(FakeRunner&)> gated() {
    return [this](FakeRunner& runner) {
      runner.on_run = [this](const std::vector<SequenceChunk>&) {
        while (!open_) std::this_thread::sleep_for(milliseconds(1));
      };
    };
  }

  EngineConfig config_;
  Metrics metrics_;
  int num_blocks_ = 64;
  std::atomic<bool> open_{false};
  FakeRunner* runner_ = nullptr;
  std::unique_ptr<EngineImpl> engine_;
};

}  // namespace spyhop
