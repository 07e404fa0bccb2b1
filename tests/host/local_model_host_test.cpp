#include "host/local_model_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fake_engine.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr seconds kSoon{20};

/// An engine that tells when it goes.
class TrackedEngine : public test::FakeEngine {
 public:
  TrackedEngine(const std::string& id, std::atomic<int>& alive)
      : FakeEngine([](const ChatRequest&) { return test::Script{}; }, id), alive_(alive) {
    ++alive_;
  }
  ~TrackedEngine() override { --alive_; }
  void drain(std::chrono::milliseconds) override { was_drained = true; }

  std::atomic<bool> was_drained{false};

 private:
  std::atomic<int>& alive_;
};

/// What the launches of a test do. Steps that are held wait for release(), and notice meanwhile that they are cancelled.
struct Stage {
  std::mutex mutex;
  std::condition_variable changed;
  std::string held_step;  // "fetch", "load"
  int num_held = 0;
  std::function<void(const std::string& step)> on_step = [](const std::string&) {};
  std::atomic<int> alive{0};
  std::atomic<int> loading{0};
  std::atomic<int> most_loading{0};
  std::vector<int64_t> held_bytes;

  void hold(const std::string& step) {
    const std::lock_guard<std::mutex> lock(mutex);
    held_step = step;
  }
  void release() {
    hold("");
    changed.notify_all();
  }
  /// Calls `tick` again and again while the step is held.
  void pass(const std::string& step, const std::function<void()>& tick) {
    on_step(step);
    std::unique_lock<std::mutex> lock(mutex);
    while (held_step == step) {
      ++num_held;
      changed.notify_all();
      changed.wait_for(lock, milliseconds(2));
      lock.unlock();
      tick();
      lock.lock();
    }
  }
  bool wait_held() {
    std::unique_lock<std::mutex> lock(mutex);
    return changed.wait_for(lock, kSoon, [&] { return num_held > 0; });
  }
};

class FakeLaunch : public ModelLaunch {
 public:
  FakeLaunch(LaunchRequest request, Stage& stage) : request_(std::move(request)), stage_(stage) {}

  ModelDescription describe() const override {
    ModelDescription description;
    description.uid = request_.model_uid;
    description.name = request_.model_name;
    return description;
  }
  void fetch(const OnFiles& on_files) override {
    stage_.pass("fetch", [&] { on_files({{"a.safetensors", 25, 100, false}}); });
  }
  int64_t plan_memory(int64_t held_bytes) override {
    stage_.on_step("plan");
    const std::lock_guard<std::mutex> lock(stage_.mutex);
    stage_.held_bytes.push_back(held_bytes);
    return 1000;
  }
  std::shared_ptr<Engine> load(const LoadProgress& progress) override {
    stage_.most_loading = std::max(stage_.most_loading.load(), ++stage_.loading);
    const std::unique_ptr<std::atomic<int>, void (*)(std::atomic<int>*)> leave(&stage_.loading, [](auto* count) { --*count; });
    stage_.pass("load", [&] { progress(0.5); });
    return std::make_shared<TrackedEngine>(request_.model_uid, stage_.alive);
  }

 private:
  const LaunchRequest request_;
  Stage& stage_;
};

class local_model_host : public ::testing::Test {
 protected:
  local_model_host() { spdlog::set_level(spdlog::level::off); }

  static LaunchRequest named(const std::string& name, const std::string& uid = "") {
    LaunchRequest request;
    request.model_name = name;
    request.model_uid = uid;
    return request;
  }
  std::string launch_ready(const LaunchRequest& request) {
    std::string uid = host_.launch(request);
    EXPECT_TRUE(host_.wait_ready(uid, kSoon));
    return uid;
  }
  template <typename Call>
  static Error error_of(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorCode::kInternal, "nothing was thrown");
  }
  /// Whether `condition` comes to hold.
  static bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kSoon;
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return false;
  }
  std::vector<std::string> event_types(const std::string& uid) const {
    std::vector<std::string> types;
    for (const ModelEvent& event : host_.events(uid)) types.push_back(event.type);
    return types;
  }

  Stage stage_;
  LocalModelHost host_{[this](const LaunchRequest& request) -> std::unique_ptr<ModelLaunch> {
                         if (request.model_name == "unknown") throw Error(ErrorCode::kModelNotFound, "no such model");
                         return std::make_unique<FakeLaunch>(request, stage_);
                       },
                       milliseconds(100)};
};

TEST_F(local_model_host, AModelIsServedUnderItsNameOnceItIsReady) {
  EXPECT_EQ(launch_ready(named("deepseek-vl2")), "deepseek-vl2");
  EXPECT_EQ(host_.find_engine("deepseek-vl2")->model().id, "deepseek-vl2");
  EXPECT_EQ(host_.find_engine("")->model().id, "deepseek-vl2");
  const ModelStatus status = host_.model("deepseek-vl2");
  EXPECT_EQ(status.state, ModelState::kReady);
  EXPECT_EQ(status.description.context_length, 4096);
  EXPECT_EQ(status.memory_bytes, 1000);
  EXPECT_EQ(host_.progress("deepseek-vl2").share, 1);
  EXPECT_THAT(event_types("deepseek-vl2"), ElementsAre("launched", "loading", "ready"));
}

TEST_F(local_model_host, ANameThatIsTakenGetsEightCharactersBehindIt) {
  launch_ready(named("vl"));
  EXPECT_THAT(launch_ready(named("vl")), MatchesRegex("vl-[A-Za-z0-9]{8}"));
  EXPECT_EQ(host_.engines().size(), 2U);
  const Error error = error_of([&] { host_.find_engine(""); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
  EXPECT_THAT(error.what(), HasSubstr("\"vl\", \"vl-"));
}

TEST_F(local_model_host, AUidThatIsAskedForAndTakenIsRefused) {
  launch_ready(named("vl", "mine"));
  const Error error = error_of([&] { host_.launch(named("other", "mine")); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error.param(), "model_uid");
}

TEST_F(local_model_host, WhatDoesNotExistIsRefusedAtOnceAndLeavesNothing) {
  EXPECT_EQ(error_of([&] { host_.launch(named("unknown")); }).code(), ErrorCode::kModelNotFound);
  EXPECT_TRUE(host_.models().empty());
}

TEST_F(local_model_host, UnknownModelsAreToldWithThoseThereAre) {
  EXPECT_THAT(error_of([&] { host_.find_engine("x"); }).what(), HasSubstr("launch one"));
  launch_ready(named("vl"));
  for (const Error& error : {error_of([&] { host_.find_engine("x"); }), error_of([&] { host_.model("x"); }),
                             error_of([&] { host_.terminate("x"); }), error_of([&] { host_.events("x"); })}) {
    EXPECT_EQ(error.code(), ErrorCode::kModelNotFound);
    EXPECT_THAT(error.what(), HasSubstr("\"vl\""));
  }
}

TEST_F(local_model_host, WhileOneLoadsItsRequestsComeBackLaterAndOthersAreServed) {
  launch_ready(named("first"));
  stage_.hold("load");
  host_.launch(named("second"));
  ASSERT_TRUE(stage_.wait_held());
  EXPECT_EQ(error_of([&] { host_.find_engine("second"); }).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(host_.find_engine("first")->model().id, "first");
  EXPECT_TRUE(host_.is_loading());
  EXPECT_FALSE(host_.wait_ready("second", milliseconds(1)));
  EXPECT_TRUE(eventually([&] { return host_.progress("second").share == 0.5; }));
  EXPECT_EQ(host_.progress("second").state, ModelState::kLoading);
  stage_.release();
  EXPECT_TRUE(host_.wait_ready("second", kSoon));
  EXPECT_FALSE(host_.is_loading());
}

TEST_F(local_model_host, ADownloadIsPartOfTheProgress) {
  stage_.hold("fetch");
  host_.launch(named("vl"));
  ASSERT_TRUE(stage_.wait_held());
  EXPECT_TRUE(eventually([&] { return host_.progress("vl").files.size() == 1; }));
  const LaunchProgress progress = host_.progress("vl");
  EXPECT_EQ(progress.state, ModelState::kDownloading);
  EXPECT_DOUBLE_EQ(progress.share, 0.7 * 0.25);
  stage_.release();
  EXPECT_TRUE(host_.wait_ready("vl", kSoon));
  EXPECT_THAT(event_types("vl"), ElementsAre("launched", "downloading", "loading", "ready"));
}

TEST_F(local_model_host, ALaunchIsCancelledAtEveryStageAndLeavesNothing) {
  for (const char* step : {"fetch", "load"}) {
    stage_.num_held = 0;
    stage_.hold(step);
    host_.launch(named("vl"));
    ASSERT_TRUE(stage_.wait_held());
    Error seen(ErrorCode::kInternal, "");
    std::thread waiting([&] { seen = error_of([&] { host_.wait_ready("vl", kSoon); }); });
    host_.cancel("vl");
    waiting.join();
    EXPECT_EQ(seen.code(), ErrorCode::kCancelled) << step;
    EXPECT_TRUE(eventually([&] { return host_.models().empty(); })) << step;
    stage_.release();
    EXPECT_EQ(stage_.alive, 0);
    EXPECT_EQ(event_types("vl").back(), "cancelled");
  }
  EXPECT_EQ(launch_ready(named("vl")), "vl");
  EXPECT_EQ(error_of([&] { host_.cancel("vl"); }).code(), ErrorCode::kInvalidRequest);
}

TEST_F(local_model_host, OneModelLoadsAtATimeAndOneThatWaitsCanBeCancelled) {
  stage_.hold("load");
  host_.launch(named("a"));
  ASSERT_TRUE(stage_.wait_held());
  host_.launch(named("b"));
  host_.launch(named("c"));
  EXPECT_TRUE(eventually([&] { return host_.progress("c").state == ModelState::kPending; }));
  host_.terminate("c");
  stage_.release();
  EXPECT_TRUE(host_.wait_ready("a", kSoon));
  EXPECT_TRUE(host_.wait_ready("b", kSoon));
  EXPECT_EQ(stage_.most_loading, 1);
  EXPECT_THAT(stage_.held_bytes, ElementsAre(0, 1000));
}

TEST_F(local_model_host, WhatDoesNotFitIsToldWithWhatCouldBeTerminated) {
  launch_ready(named("big"));
  stage_.on_step = [](const std::string& step) {
    if (step == "plan") throw Error(ErrorCode::kModelLoad, "it needs 2 GiB, 1 GiB is left");
  };
  host_.launch(named("more"));
  const Error error = error_of([&] { host_.wait_ready("more", kSoon); });
  EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
  EXPECT_THAT(error.what(), HasSubstr("it needs 2 GiB, 1 GiB is left\nor terminate a model that is loaded: big (1000 bytes)"));
  EXPECT_EQ(host_.model("more").state, ModelState::kError);
  EXPECT_EQ(host_.models().size(), 2U);
}

TEST_F(local_model_host, AFailedLaunchStaysVisibleUntilItIsTerminatedOrTriedAgain) {
  stage_.on_step = [](const std::string& step) {
    if (step == "load") throw std::runtime_error("broken weights");
  };
  host_.launch(named("vl"));
  EXPECT_THROW(host_.wait_ready("vl", kSoon), Error);
  EXPECT_EQ(host_.model("vl").error, "broken weights");
  EXPECT_THAT(error_of([&] { host_.find_engine("vl"); }).what(), HasSubstr("could not be loaded: broken weights"));
  EXPECT_FALSE(host_.is_loading());
  stage_.on_step = [](const std::string&) {};
  EXPECT_EQ(launch_ready(named("vl")), "vl");
  EXPECT_EQ(host_.models().size(), 1U);
}

TEST_F(local_model_host, TerminatingDrainsAndFreesTheEngine) {
  launch_ready(named("vl"));
  std::shared_ptr<Engine> held = host_.find_engine("vl");
  std::thread terminating([&] { host_.terminate("vl"); });
  auto* const tracked = static_cast<TrackedEngine*>(held.get());
  EXPECT_TRUE(eventually([&] { return tracked->was_drained.load(); }));
  EXPECT_THROW(host_.find_engine("vl"), Error);
  EXPECT_EQ(stage_.alive, 1) << "a request holds it";
  held.reset();
  terminating.join();
  EXPECT_EQ(stage_.alive, 0);
  EXPECT_TRUE(host_.models().empty());
  EXPECT_EQ(event_types("vl").back(), "terminated");
}

TEST_F(local_model_host, TheEndOfTheServerDrainsEnginesAndCancelsLaunches) {
  launch_ready(named("ready"));
  const std::shared_ptr<Engine> engine = host_.find_engine("ready");
  stage_.hold("load");
  host_.launch(named("loading"));
  ASSERT_TRUE(stage_.wait_held());
  host_.drain(milliseconds(10));
  EXPECT_TRUE(static_cast<TrackedEngine&>(*engine).was_drained);
  EXPECT_TRUE(eventually([&] { return host_.models().size() == 1; }));
  EXPECT_EQ(error_of([&] { host_.launch(named("late")); }).code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace spyhop
