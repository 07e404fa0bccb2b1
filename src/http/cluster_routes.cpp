#include "http/cluster_routes.h"

#include <thread>

#include "api/cluster_json.h"
#include "http/answers.h"

namespace spyhop {
namespace {

ServerFacts facts_of(const RouteCall& call, const ServerState& state) {
  ServerFacts facts;
  facts.address = server_address(call);
  facts.uptime_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - state.start).count();
  facts.num_models = static_cast<int>(state.models.models().size());
  facts.num_cores = static_cast<int>(std::thread::hardware_concurrency());
  return facts;
}

/// Every client asks this first, and sends no key before it knows the answer.
Route auth_route(const ServerState& state) {
  const bool has_keys = !state.config.api_keys.empty();
  return {"GET", "/v1/cluster/auth", [has_keys](RouteCall& call) { answer_json(call.response, cluster_auth_json(has_keys)); },
          /*is_probe=*/true};
}

}  // namespace

Routes cluster_routes(const ServerState& state) {
  const auto about = [&state](const char* path, std::string (*text_of)(const ServerFacts&)) {
    return Route{"GET", path,
                 [&state, text_of](RouteCall& call) { answer_json(call.response, text_of(facts_of(call, state))); }};
  };
  Routes routes{auth_route(state),
                about("/v1/cluster/info", cluster_info_json),
                about("/v1/address", address_json),
                about("/status", status_json),
                {"GET", "/v1/cluster/version", [](RouteCall& call) { answer_json(call.response, cluster_version_json()); }},
                {"GET", "/v1/cluster/devices", [](RouteCall& call) { answer_json(call.response, "0"); }}};
  if (state.request_stop) {
    const auto stop = [&state](RouteCall& call) {
      answer_json(call.response, R"({"result":true})");
      state.request_stop();
    };
    routes.push_back({"DELETE", "/v1/clusters", stop, /*is_probe=*/false, /*is_admin=*/true});
  }
  return routes;
}

}  // namespace spyhop
