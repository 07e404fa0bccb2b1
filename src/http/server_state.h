// What the routes share.
#pragma once

#include <atomic>

#include "spyhop/config.h"
#include "spyhop/engine.h"

namespace spyhop {

/// Thread safety: the flags are atomic, the rest is constant.
struct ServerState {
  explicit ServerState(const ServerConfig& server_config, Engine* initial_engine)
      : config(server_config), engine(initial_engine) {}

  const ServerConfig config;
  std::atomic<Engine*> engine;
  std::atomic<bool> draining{false};  // no new requests
  std::atomic<bool> stopping{false};  // open ones end now

  /// Throws Error{kUnavailable} while there is none.
  Engine& require_engine() const {
    Engine* current = engine.load();
    if (current == nullptr) throw Error(ErrorCode::kUnavailable, "the model is still loading; try again later");
    return *current;
  }
};

}  // namespace spyhop
