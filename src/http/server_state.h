// What the routes share.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>

#include "common/metrics.h"
#include "http/open_requests.h"
#include "http/response_store.h"
#include "http/server.h"
#include "spyhop/config.h"
#include "spyhop/model_host.h"

namespace spyhop {

/// Thread safety: the flags are atomic, what is referred to is thread-safe, the rest is constant.
struct ServerState {
  ServerState(const ServerConfig& server_config, const ServerParts& parts)
      : config(server_config),
        models(parts.models),
        catalog(parts.catalog),
        metrics(parts.metrics),
        pictures(parts.pictures),
        request_stop(parts.request_stop),
        responses({server_config.max_stored_responses, kMaxStoredBytes, server_config.stored_response_ttl}) {}

  static constexpr size_t kMaxStoredBytes = size_t{64} << 20;

  const ServerConfig config;
  ModelHost& models;
  const ModelCatalog* const catalog;
  Metrics* const metrics;  // null: nothing is counted
  const PictureTools* const pictures;
  const std::function<void()> request_stop;
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  mutable OpenRequests open_requests;
  mutable ResponseStore responses;
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
