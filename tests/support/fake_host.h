// A server's models, as a test wants them.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spyhop/error.h"
#include "spyhop/model_host.h"

namespace spyhop::test {

/// Launches nothing by itself: the test says what becomes of a launch. Thread safety: all members from any thread.
class FakeHost : public ModelHost {
 public:
  FakeHost() = default;
  explicit FakeHost(std::shared_ptr<Engine> engine) { add(std::move(engine)); }

  /// Puts an engine into service, under the name of its model.
  void add(std::shared_ptr<Engine> engine) {
    const Lock lock(mutex_);
    const ModelInfo info = engine->model();
    Model& model = place(info.id);
    model.engine = std::move(engine);
    model.status.state = ModelState::kReady;
    model.status.created = info.created;
    model.status.description.context_length = info.max_context;
    changed_.notify_all();
  }
  /// Makes the model one that is on its way, or that has failed.
  void set_state(const std::string& uid, ModelState state, const std::string& error = "") {
    const Lock lock(mutex_);
    Model& model = place(uid);
    model.status.state = state;
    model.status.error = error;
    changed_.notify_all();
  }
  void set_progress(const LaunchProgress& progress) {
    const Lock lock(mutex_);
    progress_ = progress;
  }
  std::optional<LaunchRequest> last_launch() const {
    const Lock lock(mutex_);
    return last_launch_;
  }
  bool wait_for_launch(std::chrono::milliseconds timeout) const {
    Lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return last_launch_.has_value(); });
  }

  std::shared_ptr<Engine> find_engine(const std::string& uid) const override {
    const Lock lock(mutex_);
    std::string served;
    for (const Model& model : models_) {
      served += " \"" + uid_of(model) + "\"";
      if (uid_of(model) != uid && !(uid.empty() && models_.size() == 1)) continue;
      if (model.engine) return model.engine;
      throw Error(ErrorCode::kUnavailable, "the model \"" + uid + "\" is still loading; try again later", "model");
    }
    throw Error(ErrorCode::kModelNotFound, "the model \"" + uid + "\" is not served here; allowed:" + served, "model");
  }
  std::vector<std::shared_ptr<Engine>> engines() const override {
    const Lock lock(mutex_);
    std::vector<std::shared_ptr<Engine>> engines;
    for (const Model& model : models_) {
      if (model.engine) engines.push_back(model.engine);
    }
    return engines;
  }
  bool is_loading() const override {
    const Lock lock(mutex_);
    return std::any_of(models_.begin(), models_.end(), [](const Model& model) { return !model.engine; });
  }

  std::string launch(const LaunchRequest& request) override {
    const Lock lock(mutex_);
    last_launch_ = request;
    const std::string uid = request.model_uid.empty() ? request.model_name : request.model_uid;
    place(uid).status.description.name = request.model_name;
    changed_.notify_all();
    return uid;
  }
  bool wait_ready(const std::string& uid, std::chrono::milliseconds timeout) override {
    Lock lock(mutex_);
    const auto is_over = [&] {
      const Model* const found = find(uid);
      return found == nullptr || found->engine || found->status.state == ModelState::kError;
    };
    if (!changed_.wait_for(lock, timeout, is_over)) return false;
    const Model* const found = find(uid);
    if (found == nullptr) throw Error(ErrorCode::kCancelled, "the launch was cancelled");
    if (!found->engine) throw Error(ErrorCode::kModelLoad, found->status.error);
    return true;
  }
  std::vector<ModelStatus> models() const override {
    const Lock lock(mutex_);
    std::vector<ModelStatus> models;
    for (const Model& model : models_) models.push_back(model.status);
    return models;
  }
  ModelStatus model(const std::string& uid) const override {
    const Lock lock(mutex_);
    return require(uid).status;
  }
  LaunchProgress progress(const std::string& uid) const override {
    const Lock lock(mutex_);
    require(uid);
    return progress_;
  }
  std::vector<ModelEvent> events(const std::string& uid) const override {
    const Lock lock(mutex_);
    require(uid);
    return {{1734000000, uid, "launched", "", false}, {1734000001, uid, "error", "no space", true}};
  }
  void cancel(const std::string& uid) override { terminate(uid); }
  void terminate(const std::string& uid) override {
    const Lock lock(mutex_);
    require(uid);
    models_.erase(std::remove_if(models_.begin(), models_.end(), [&](const Model& model) { return uid_of(model) == uid; }),
                  models_.end());
    changed_.notify_all();
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Model {
    ModelStatus status;
    std::shared_ptr<Engine> engine;
  };

  static const std::string& uid_of(const Model& model) { return model.status.description.uid; }
  const Model* find(const std::string& uid) const {
    const auto found = std::find_if(models_.begin(), models_.end(), [&](const Model& model) { return uid_of(model) == uid; });
    return found == models_.end() ? nullptr : &*found;
  }
  const Model& require(const std::string& uid) const {
    if (const Model* const found = find(uid)) return *found;
    throw Error(ErrorCode::kModelNotFound, "there is no model \"" + uid + "\"", "model_uid");
  }
  Model& place(const std::string& uid) {
    if (const Model* const found = find(uid)) return const_cast<Model&>(*found);
    models_.emplace_back();
    models_.back().status.description.uid = uid;
    return models_.back();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Model> models_;
  std::optional<LaunchRequest> last_launch_;
  LaunchProgress progress_;
};

}  // namespace spyhop::test
