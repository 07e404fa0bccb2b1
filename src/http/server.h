// The HTTP server: OpenAI's API in front of one engine.
#pragma once

#include <memory>

#include "spyhop/config.h"
#include "spyhop/engine.h"

namespace spyhop {

/// Listens, serves and drains. Life cycle: construct, start(), optionally set_engine(), drain() or stop(), destroy.
/// It may start before there is an engine: /health then answers 200, everything that needs the engine 503.
/// Thread safety: every member may be called from any thread, start() once.
class HttpServer {
 public:
  /// `engine` may be null and must outlive the server or a later set_engine() followed by the end of every open request.
  /// `metrics` may be null, which takes GET /metrics away, and must outlive the server.
  explicit HttpServer(const ServerConfig& config, Engine* engine = nullptr, Metrics* metrics = nullptr);
  ~HttpServer();  // stop()

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds, listens and returns; serving goes on in threads of the server's own.
  /// Throws Error{kInvalidRequest} naming host, port and reason when the address cannot be had.
  void start();

  /// The port listened on, which config.port = 0 leaves to the system. 0 before start().
  int port() const;

  /// Puts the engine into service once it has loaded.
  void set_engine(Engine* engine);

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
