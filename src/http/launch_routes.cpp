#include "http/launch_routes.h"

#include <utility>

#include "api/launch_json.h"
#include "api/launch_status_json.h"
#include "http/answers.h"

namespace spyhop {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

/// A client that goes away while it waits does not want the model any more.
void wait_for_model(const std::string& uid, const RouteCall& call, const ServerState& state) {
  while (!state.models.wait_ready(uid, kPollInterval)) {
    const bool is_gone = call.exchange.connection.client_gone();
    if (!is_gone && !state.stopping && !state.draining) continue;
    state.models.cancel(uid);
    if (is_gone) throw Error(ErrorCode::kCancelled, "the client has closed the connection");
    throw Error(ErrorCode::kUnavailable, "the server is shutting down");
  }
}

void launch(RouteCall& call, const ServerState& state) {
  const std::string wait = call.request.get_param_value("wait_ready");
  const std::string uid = state.models.launch(parse_launch_request(call.body));
  if (wait != "false" && wait != "False" && wait != "0") wait_for_model(uid, call, state);
  answer_json(call.response, launched_json(uid));
}

void list_instances(RouteCall& call, const ServerState& state) {
  const std::string name = call.request.get_param_value("model_name");
  const std::string uid = call.request.get_param_value("model_uid");
  std::vector<ModelStatus> wanted;
  for (ModelStatus& model : state.models.models()) {
    if (!name.empty() && model.description.name != name) continue;
    if (!uid.empty() && model.description.uid != uid) continue;
    wanted.push_back(std::move(model));
  }
  answer_json(call.response, instances_json(wanted));
}

void abort_request(RouteCall& call, const ServerState& state) {
  const std::string& uid = call.path_values[0];
  static_cast<void>(state.models.model(uid));
  const bool is_found = state.open_requests.abort(uid, call.path_values[1]) > 0;
  answer_json(call.response, is_found ? R"({"msg":"DONE"})" : R"({"msg":"NOT_FOUND"})");
}

void refuse_replicas(const RouteCall&) {
  throw Error(ErrorCode::kInvalidRequest, "a model here has exactly one replica, which serves many requests at the same time",
              "replica");
}

}  // namespace

Routes launch_routes(const ServerState& state) {
  const auto admin = [&state](const char* method, const char* path, auto handle) {
    return Route{method, path, [&state, handle](RouteCall& call) { handle(call, state); }, /*is_probe=*/false,
                 /*is_admin=*/true};
  };
  const auto watch = [&state](const char* path, auto text_of) {
    return Route{"GET", path, [&state, text_of](RouteCall& call) { answer_json(call.response, text_of(call, state)); }};
  };
  return {
      admin("POST", "/v1/models", launch),
      Route{"GET", "/v1/models/instances", [&state](RouteCall& call) { list_instances(call, state); }},
      watch("/v1/models/{model_uid}/progress",
            [](const RouteCall& call, const ServerState& s) { return progress_json(s.models.progress(call.path_values[0])); }),
      watch("/v1/models/{model_uid}/replicas",
            [](const RouteCall& call, const ServerState& s) {
              return replicas_json(s.models.model(call.path_values[0]), server_address(call));
            }),
      watch("/v1/models/{model_uid}/events",
            [](const RouteCall& call, const ServerState& s) { return events_json(s.models.events(call.path_values[0])); }),
      admin("POST", "/v1/models/{model_uid}/cancel",
            [](RouteCall& call, const ServerState& s) {
              s.models.cancel(call.path_values[0]);
              answer_json(call.response, "null");
            }),
      admin("POST", "/v1/models/{model_uid}/requests/{request_id}/abort", abort_request),
      admin("POST", "/v1/models/{model_uid}/replicas", [](RouteCall& call, const ServerState&) { refuse_replicas(call); }),
      admin("DELETE", "/v1/models/{model_uid}/replicas/{replica_id}",
            [](RouteCall& call, const ServerState&) { refuse_replicas(call); }),
      admin("DELETE", "/v1/models/{model_uid}",
            [](RouteCall& call, const ServerState& s) {
              s.models.terminate(call.path_values[0]);
              answer_json(call.response, "null");
            }),
  };
}

}  // namespace spyhop
