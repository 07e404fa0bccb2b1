// `spyhop launch`: flags -> engine and server; signals; draining.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/launch_options.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/problem_list.h"
#include "http/server.h"
#include "spyhop/engine_directory.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// The one model of a process. Thread safety: all members from any thread.
class OneModel : public EngineDirectory {
 public:
  void set(std::shared_ptr<Engine> engine) {
    const std::lock_guard<std::mutex> lock(mutex_);
    engine_ = std::move(engine);
  }

  std::shared_ptr<Engine> find_engine(const std::string& model) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!engine_) throw Error(ErrorCode::kUnavailable, "the model is still loading; try again later", "model");
    const std::string served = engine_->model().id;
    if (model.empty() || model == served) return engine_;
    throw Error(ErrorCode::kModelNotFound,
                "the model " + in_quotes(model) + " is not served here; allowed: " + in_quotes(served), "model");
  }

  std::vector<std::shared_ptr<Engine>> engines() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return engine_ ? std::vector<std::shared_ptr<Engine>>{engine_} : std::vector<std::shared_ptr<Engine>>{};
  }

  bool is_loading() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !engine_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Engine> engine_;  // guarded by mutex_
};

/// A signal that comes while the checkpoint is fetched or loaded ends the process: there is nothing to lose, since a download
/// goes on where it was.
std::unique_ptr<Engine> load_engine(const LaunchOptions& options, Metrics& metrics, StopSignals& signals) {
  auto loading = std::async(std::launch::async, [&] {
    EngineConfig config = options.engine;
    if (options.source) config.model_path = obtain_model(*options.source);
    return make_engine(config, show_progress, &metrics);
  });
  while (loading.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (const int number = signals.wait_for(std::chrono::milliseconds(50))) std::_Exit(128 + number);
  }
  return loading.get();
}

/// Lets the open answers end. A second signal quits at once.
void drain(HttpServer& server, Engine& engine, std::chrono::seconds timeout, StopSignals& signals) {
  std::thread([&signals] { std::_Exit(128 + signals.wait()); }).detach();
  std::thread ending([&] { engine.drain(timeout); });
  server.drain();
  ending.join();
}

void serve(const LaunchOptions& options) {
  static StopSignals signals;     // outlives the thread that waits for the second one
  std::signal(SIGPIPE, SIG_IGN);  // a client that goes away shows as a failed write
  Metrics metrics;
  OneModel model;
  HttpServer server(options.server, model, &metrics);
  server.start();  // before loading: health checks are answered, requests get 503
  const auto begin = std::chrono::steady_clock::now();
  const std::shared_ptr<Engine> engine = load_engine(options, metrics, signals);
  model.set(engine);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  spdlog::info("event=ready model={} context={} load_seconds={:.1f}", engine->model().id, engine->model().max_context,
               took.count());
  std::printf("listening on http://%s:%d\n", options.server.host.c_str(), server.port());
  std::fflush(stdout);

  const int number = signals.wait();
  spdlog::info("event=draining signal={} timeout_seconds={}", number, options.server.drain_timeout.count());
  drain(server, *engine, options.server.drain_timeout, signals);
  spdlog::info("event=stopped");
}

}  // namespace

void add_launch_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("launch", "Load a checkpoint and serve it over HTTP");
  command->footer(
      "Every option can be set by an environment variable too, --max-queue by SPYHOP_MAX_QUEUE, or by the file of --config, "
      "as\n"
      "max-queue. Flags win, then variables, then the file; `spyhop config` tells what comes from where.\n"
      "Examples: spyhop launch --model-path /models/deepseek-vl2-tiny --model-name deepseek-vl2 --port 9997\n"
      "          spyhop launch --model-engine transformers --model-name deepseek-vl2 --size-in-billions 3 --model-format "
      "pytorch");
  auto options = std::make_shared<LaunchOptions>();
  declare_launch_options(*command, *options);
  command->callback([command, options] {
    if (!options->config_path.empty()) apply_config_file(*command, options->config_path);
    resolve_launch_options(*options);
    set_up_log(options->log_level);
    serve(*options);
  });
}

}  // namespace spyhop
