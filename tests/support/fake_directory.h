// A server's models, as a test wants them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "spyhop/engine_directory.h"
#include "spyhop/error.h"

namespace spyhop::test {

/// Thread safety: all members from any thread.
class FakeDirectory : public EngineDirectory {
 public:
  FakeDirectory() = default;
  explicit FakeDirectory(std::shared_ptr<Engine> engine) : engines_{std::move(engine)} {}

  void add(std::shared_ptr<Engine> engine) {
    const std::lock_guard<std::mutex> lock(mutex_);
    engines_.push_back(std::move(engine));
    is_loading_ = false;
  }
  void remove_all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    engines_.clear();
  }
  void set_loading() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_loading_ = true;
  }

  std::shared_ptr<Engine> find_engine(const std::string& model) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_loading_) throw Error(ErrorCode::kUnavailable, "the model is still loading; try again later", "model");
    if (model.empty() && engines_.size() == 1) return engines_.front();
    std::string served;
    for (const auto& engine : engines_) {
      const std::string id = engine->model().id;
      if (id == model) return engine;
      served += " \"" + id + "\"";
    }
    throw Error(ErrorCode::kModelNotFound, "the model \"" + model + "\" is not served here; allowed:" + served, "model");
  }
  std::vector<std::shared_ptr<Engine>> engines() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return engines_;
  }
  bool is_loading() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return is_loading_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Engine>> engines_;
  bool is_loading_ = false;
};

}  // namespace spyhop::test
