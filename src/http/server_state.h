// What the routes share.
#pragma once

#include <atomic>

#include "common/metrics.h"
#include "spyhop/config.h"
#include "spyhop/engine.h"

namespace spyhop {

/// Thread safety: the flags are atomic, the rest is constant.
struct ServerState {
  explicit ServerState(const ServerConfig& server_config, Engine* initial_engine, Metrics* server_metrics)
      : config(server_config), metrics(server_metrics), engine(initial_engine) {}

  const ServerConfig config;
  Metrics* const metrics;  // null: nothing is counted
  std::atomic<Engine*> engine;
  std::atomic<bool> draining{false};  // no new requests
  std::atomic<bool> stopping{false};  // open ones end now

  /// Throws Error{kUnavailable} while there is none.
  Engine& require_engine() const {
    Engine* current = engine.load();
    if (current == nullptr) throw Error(ErrorCode::kUnavailable, "the model is still loading; try again later");
    return *current;
  }

  /// When a refused client should come back.
  int retry_after_seconds() const {
    const Engine* current = engine.load();
    return current == nullptr ? 0 : current->stats().retry_after_seconds;
  }
};

}  // namespace spyhop
