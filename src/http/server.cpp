#include "http/server.h"

#include <spdlog/spdlog.h>

#include <mutex>
#include <utility>

#include "http/catalog_routes.h"
#include "http/chat_route.h"
#include "http/cluster_routes.h"
#include "http/completion_route.h"
#include "http/grounding_route.h"
#include "http/image_plan_route.h"
#include "http/launch_routes.h"
#include "http/listener.h"
#include "http/model_routes.h"
#include "http/playground_routes.h"
#include "http/protocol.h"
#include "http/response_routes.h"
#include "http/server_state.h"
#include "http/status_routes.h"
#include "http/token_routes.h"

namespace spyhop {
namespace {

Routes all_routes(const ServerState& state) {
  Routes routes{chat_route(state), completion_route(state), image_plan_route(state)};
  if (state.pictures != nullptr) routes.push_back(grounding_route(state));
  for (Routes group : {response_routes(state), token_routes(state), launch_routes(state), model_routes(state),
                       catalog_routes(state), cluster_routes(state), status_routes(state), playground_routes(state)}) {
    for (Route& route : group) routes.push_back(std::move(route));
  }
  return routes;
}

ListenerOptions listener_options(const ServerConfig& config) {
  // Clients are told the shorter time, so that none sends into a connection that is being closed.
  constexpr std::chrono::seconds kIdleGrace{1};
  ListenerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.max_connections = config.max_connections;
  options.limits.idle_timeout = config.keep_alive + kIdleGrace;
  options.limits.write_timeout = config.write_timeout;
  options.limits.max_chunked_bytes = uint64_t{2} * config.max_body_bytes + 65536;
  return options;
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const ServerConfig& config, const ServerParts& parts) : state_(config, parts), protocol_(state_, all_routes(state_)) {}

  void start() {
    const std::lock_guard<std::mutex> lock(mutex_);
    listener_ = std::make_unique<Listener>(listener_options(state_.config), protocol_);
    spdlog::info("event=listening host={} port={}", state_.config.host, listener_->port());
  }

  Listener* listener() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return listener_.get();
  }

  ServerState& state() { return state_; }

 private:
  ServerState state_;
  Protocol protocol_;
  std::mutex mutex_;  // guards listener_, which start() sets once
  std::unique_ptr<Listener> listener_;
};

HttpServer::HttpServer(const ServerConfig& config, const ServerParts& parts) : impl_(std::make_unique<Impl>(config, parts)) {}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::start() {
  impl_->start();
}

int HttpServer::port() const {
  const Listener* listener = impl_->listener();
  return listener == nullptr ? 0 : listener->port();
}

void HttpServer::drain() {
  ServerState& state = impl_->state();
  state.draining = true;
  Listener* listener = impl_->listener();
  if (listener == nullptr) return;
  listener->close_idle();
  const bool quiet = listener->wait_quiet(state.config.drain_timeout);
  spdlog::info("event=drained open_requests={}", quiet ? "finished" : "cut");
  stop();
}

void HttpServer::stop() {
  impl_->state().draining = true;
  impl_->state().stopping = true;
  Listener* listener = impl_->listener();
  if (listener != nullptr) listener->stop();
}

}  // namespace spyhop
