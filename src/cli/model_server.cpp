#include "cli/model_server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "cli/checkpoint_launch.h"
#include "cli/registry_catalog.h"
#include "cli/stop_signals.h"
#include "common/log.h"
#include "common/metrics.h"
#include "drawing/local_picture_tools.h"
#include "host/local_model_host.h"
#include "http/server.h"

namespace spyhop {
namespace {

/// A signal that comes while the first model is fetched or loaded ends the process: there is nothing to lose, since a download
/// goes on where it was.
void launch_first(LocalModelHost& host, const LaunchRequest& first, StopSignals& signals) {
  const std::string uid = host.launch(first);
  while (!host.wait_ready(uid, std::chrono::milliseconds(0))) {
    if (const int number = signals.wait_for(std::chrono::milliseconds(50))) std::_Exit(128 + number);
  }
}

/// Lets the open answers end. A second signal quits at once.
void drain(HttpServer& server, LocalModelHost& host, std::chrono::seconds timeout, StopSignals& signals) {
  std::thread([&signals] { std::_Exit(128 + signals.wait()); }).detach();
  std::thread ending([&] { host.drain(timeout); });
  server.drain();
  ending.join();
}

void warn_if_open(const ServerConfig& config) {
  const bool is_local = config.host == "localhost" || config.host == "::1" || config.host.rfind("127.", 0) == 0;
  if (is_local || !config.api_keys.empty() || !config.admin_api_keys.empty()) return;
  spdlog::warn("event=open_server host={} advice=\"whoever reaches it may launch and end models; give --admin-api-key\"",
               config.host);
}

}  // namespace

void serve_models(const LaunchOptions& options, const std::optional<LaunchRequest>& first) {
  static StopSignals signals;     // outlives the thread that waits for the second one
  std::signal(SIGPIPE, SIG_IGN);  // a client that goes away shows as a failed write
  Metrics metrics;
  LaunchSettings settings{options, options.allowed_model_folders, &metrics};
  const RegistryCatalog catalog(options.allowed_model_folders);
  if (first && !first->model_path.empty()) settings.allowed_model_folders.push_back(first->model_path);
  LocalModelHost host(make_launch_factory(std::move(settings)), options.server.drain_timeout);
  const LocalPictureTools pictures(options.engine.fetch, options.engine.images);
  HttpServer server(options.server, {host, &metrics, &catalog, &pictures, [] { ::kill(::getpid(), SIGTERM); }});
  server.start();  // before loading: health checks are answered, requests get 503
  warn_if_open(options.server);
  if (first) launch_first(host, *first, signals);
  std::printf("listening on http://%s:%d\n", options.server.host.c_str(), server.port());
  std::fflush(stdout);

  const int number = signals.wait();
  spdlog::info("event=draining signal={} timeout_seconds={}", number, options.server.drain_timeout.count());
  drain(server, host, options.server.drain_timeout, signals);
  spdlog::info("event=stopped");
}

}  // namespace spyhop
