// cpp-httplib's HTTP/1.1 parser and writer around our routes.
#pragma once

#include <httplib.h>

#include "http/byte_budget.h"
#include "http/connection.h"
#include "http/http_metrics.h"
#include "http/route.h"
#include "http/server_state.h"

namespace spyhop {

/// Serves requests that connections have ready: finds the route, checks key and limits before the body is read, runs the
/// handler, turns what it throws into the error object, counts it and writes one line of access log.
/// Only httplib's handling of one request is used; sockets and threads are the listener's.
/// Thread safety: serve() and refuse() may run in any number of threads.
class Protocol : private httplib::Server {
 public:
  Protocol(const ServerState& state, Routes routes);

  /// The request that connection.next_request() has announced. `over_limit`: answer nothing but probes.
  void serve(Connection& connection, bool over_limit);

  /// Answers a head that could not be read.
  void refuse(Connection& connection) const;

 private:
  HandlerResponse before_body(const httplib::Request& request, httplib::Response& response) const;
  void after_body(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) const;
  void complete_headers(const httplib::Request& request, httplib::Response& response) const;
  const Route& find_route(const httplib::Request& request, httplib::Response& response) const;
  void check_access(const Route& route, const httplib::Request& request) const;
  void check_admission(const Route& route, const Exchange& exchange) const;
  std::string read_body(const httplib::Request& request, const httplib::ContentReader& reader) const;

  const ServerState& state_;
  const Routes routes_;
  const HttpMetrics metrics_;
  mutable ByteBudget body_budget_;  // of all bodies that are being received
};

}  // namespace spyhop
