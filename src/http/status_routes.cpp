#include "http/status_routes.h"

#include <algorithm>
#include <utility>

#include "api/load_json.h"
#include "http/answers.h"

namespace spyhop {
namespace {

EngineStats total_load(const EngineDirectory& models) {
  EngineStats total;
  for (const auto& engine : models.engines()) {
    const EngineStats stats = engine->stats();
    total.num_running += stats.num_running;
    total.num_waiting += stats.num_waiting;
    total.max_num_seqs += stats.max_num_seqs;
    total.max_queue += stats.max_queue;
    total.kv_cache_usage = std::max(total.kv_cache_usage, stats.kv_cache_usage);
  }
  return total;
}

}  // namespace

Routes status_routes(const ServerState& state) {
  Route health{"GET", "/health", [](RouteCall& call) { answer_json(call.response, R"({"status":"ok"})"); }, true};
  Route ready{"GET", "/ready",
              [&state](RouteCall& call) {
                if (state.models.is_loading() && state.models.engines().empty()) {
                  throw Error(ErrorCode::kUnavailable, "the model is still loading; try again later");
                }
                if (state.draining) throw Error(ErrorCode::kUnavailable, "the server is shutting down");
                answer_json(call.response, R"({"status":"ready"})");
              },
              true};
  Route load{"GET", "/load", [&state](RouteCall& call) { answer_json(call.response, load_json(total_load(state.models))); },
             true};
  Route version{"GET", "/version",
                [](RouteCall& call) { answer_json(call.response, R"({"version":")" SPYHOP_VERSION R"("})"); }};
  Routes routes{std::move(health), std::move(ready), std::move(load), std::move(version)};
  if (state.metrics != nullptr) {
    const auto answer = [&state](RouteCall& call) {
      call.response.status = 200;
      call.response.set_content(state.metrics->text(), "text/plain; version=0.0.4; charset=utf-8");
    };
    routes.push_back({"GET", "/metrics", answer, true});
  }
  return routes;
}

}  // namespace spyhop
