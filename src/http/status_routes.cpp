#include "http/status_routes.h"

#include <utility>

#include "api/load_json.h"
#include "http/answers.h"

namespace spyhop {

Routes status_routes(const ServerState& state) {
  Route health{"GET", "/health", [](RouteCall& call) { answer_json(call.response, R"({"status":"ok"})"); }, true};
  Route ready{"GET", "/ready",
              [&state](RouteCall& call) {
                state.require_engine();
                if (state.draining) throw Error(ErrorCode::kUnavailable, "the server is shutting down");
                answer_json(call.response, R"({"status":"ready"})");
              },
              true};
  Route load{"GET", "/load",
             [&state](RouteCall& call) { answer_json(call.response, load_json(state.require_engine().stats())); }, true};
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
