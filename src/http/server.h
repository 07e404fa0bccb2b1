// The HTTP server: OpenAI's API in front of the models of a host.
#pragma once

#include <functional>
#include <memory>

#include "spyhop/config.h"
#include "spyhop/model_catalog.h"
#include "spyhop/model_host.h"
#include "spyhop/pictures.h"

namespace spyhop {

class Metrics;

/// What a server is made of. All of it outlives the server.
struct ServerParts {
  ModelHost& models;
  Metrics* metrics = nullptr;              // null takes GET /metrics away
  const ModelCatalog* catalog = nullptr;   // null takes the routes about names and caches away
  const PictureTools* pictures = nullptr;  // null takes POST /v1/grounding away
  std::function<void()> request_stop{};    // DELETE /v1/clusters; empty takes that away
};

/// Listens, serves and drains. Life cycle: construct, start(), drain() or stop(), destroy.
/// Engines may come and go meanwhile: each request looks its own up.
/// Thread safety: every member may be called from any thread, start() once.
class HttpServer {
 public:
  HttpServer(const ServerConfig& config, const ServerParts& parts);
  ~HttpServer();  // stop()

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds, listens and returns; serving goes on in threads of the server's own.
  /// Throws Error{kInvalidRequest} naming host, port and reason when the address cannot be had.
  void start();

  /// The port listened on, which config.port = 0 leaves to the system. 0 before start().
  int port() const;

  /// Refuses new requests with 503, waits up to config.drain_timeout for the open ones, each to its last byte, then stops.
  /// Call Engine::drain() beside it so that the engine ends the answers that would last longer.
  void drain();

  /// Ends at once: open answers get an error event or a 503 and are cancelled. Returns when every thread has ended.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spyhop
