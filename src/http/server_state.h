// What the routes share.
#pragma once

#include <algorithm>
#include <atomic>

#include "common/metrics.h"
#include "spyhop/config.h"
#include "spyhop/engine_directory.h"

namespace spyhop {

/// Thread safety: the flags are atomic, the rest is constant.
struct ServerState {
  ServerState(const ServerConfig& server_config, const EngineDirectory& server_models, Metrics* server_metrics)
      : config(server_config), models(server_models), metrics(server_metrics) {}

  const ServerConfig config;
  const EngineDirectory& models;
  Metrics* const metrics;             // null: nothing is counted
  std::atomic<bool> draining{false};  // no new requests
  std::atomic<bool> stopping{false};  // open ones end now

  /// When a refused client should come back: when the first engine has room. 0 = not known.
  int retry_after_seconds() const {
    int seconds = 0;
    for (const auto& engine : models.engines()) {
      const int wait = engine->stats().retry_after_seconds;
      seconds = seconds == 0 ? wait : std::min(seconds, wait);
    }
    return seconds;
  }
};

}  // namespace spyhop
