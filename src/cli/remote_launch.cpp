#include "cli/remote_launch.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/server_answers.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using json = nlohmann::ordered_json;
using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPollInterval{200};

std::string text_of(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// A bar on a terminal; elsewhere a line for each stage and each tenth.
class LaunchView {
 public:
  void show(const json& progress) {
    const double share = progress.is_object() && progress.contains("progress") && progress["progress"].is_number()
                             ? std::clamp(progress["progress"].get<double>(), 0.0, 1.0)
                             : 0.0;
    const std::string stage = text_of(progress, "stage");
    const int percent = static_cast<int>(share * 100);
    if (is_terminal_) {
      constexpr int kBarWidth = 30;
      const int full = percent * kBarWidth / 100;
      std::fprintf(stderr, "\rLaunching model: %3d%% |%s%s| %-12s", percent,
                   std::string(static_cast<size_t>(full), '#').c_str(),
                   std::string(static_cast<size_t>(kBarWidth - full), ' ').c_str(), stage.c_str());
      is_bar_open_ = true;
    } else if (stage != stage_ || percent / 10 != percent_ / 10) {
      std::fprintf(stderr, "Launching model: %d%% %s\n", percent, stage.c_str());
    }
    stage_ = stage;
    percent_ = percent;
  }

  void close() {
    if (is_bar_open_) std::fputs("\n", stderr);
    is_bar_open_ = false;
  }

 private:
  const bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool is_bar_open_ = false;
  std::string stage_;
  int percent_ = -1;
};

class RemoteLaunch {
 public:
  RemoteLaunch(const ApiClient& client, std::string uid) : client_(client), uid_(std::move(uid)) {}

  /// Whether the model is ready. Throws Error when it never will be.
  bool is_ready() {
    const json instances = parse_answer(client_, client_.get("/v1/models/instances?model_uid=" + url_escaped(uid_)));
    if (!instances.is_array() || instances.empty())
      throw Error(ErrorCode::kCancelled, "the launch of " + uid_ + " was cancelled");
    const std::string status = text_of(instances.front(), "status");
    if (status == "ERROR" || status == "TERMINATED") {
      view_.close();
      const std::string reason = text_of(instances.front(), "error_message");
      throw Error(ErrorCode::kModelLoad,
                  uid_ + " could not be launched: " + (reason.empty() ? "the server's log says why" : reason));
    }
    if (status == "READY") view_.show({{"progress", 1.0}, {"stage", "ready"}});
    if (status != "READY") show_progress();
    if (status == "READY") view_.close();
    return status == "READY";
  }

  /// Returns if the launch is to go on.
  void handle_signal(int number) {
    view_.close();
    if (number == SIGINT && is_interactive() && !ask_yes_or_no("Cancel the launch of " + uid_ + "?")) return;
    client_.post("/v1/models/" + url_escaped(uid_) + "/cancel", "{}");
    std::fprintf(stderr, "The launch of %s is cancelled.\n", uid_.c_str());
    throw CLI::RuntimeError(128 + number);
  }

 private:
  void show_progress() {
    try {
      view_.show(parse_answer(client_, client_.get("/v1/models/" + url_escaped(uid_) + "/progress")));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;  // it ended between the two requests
    }
  }

  const ApiClient& client_;
  const std::string uid_;
  LaunchView view_;
};

}  // namespace

std::string launch_remotely(const ApiClient& client, const ordered_json& body) {
  static StopSignals signals;
  std::fprintf(stderr, "Launch into %s: %s\n", client.endpoint().c_str(), body.dump().c_str());
  const json answer = parse_answer(client, client.post("/v1/models?wait_ready=false", body.dump()));
  const std::string uid = text_of(answer, "model_uid");
  RemoteLaunch launch(client, uid);
  while (!launch.is_ready()) {
    if (const int number = signals.wait_for(kPollInterval)) launch.handle_signal(number);
  }
  return uid;
}

}  // namespace spyhop
