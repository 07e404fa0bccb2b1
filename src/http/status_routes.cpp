#include "http/status_routes.h"

#include <utility>

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
  Route version{"GET", "/version",
                [](RouteCall& call) { answer_json(call.response, R"({"version":")" SPYHOP_VERSION R"("})"); }};
  return {std::move(health), std::move(ready), std::move(version)};
}

}  // namespace spyhop
