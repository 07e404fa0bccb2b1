// What a route gets, and how routes are listed.
#pragma once

#include <httplib.h>

#include <functional>
#include <string>
#include <vector>

#include "http/connection.h"

namespace spyhop {

/// One request on its connection, from its head to the last byte of its answer.
struct Exchange {
  Connection& connection;
  std::string request_id{};
  bool over_limit = false;   // one request more than are served at a time
  std::string method = "-";  // this and what follows is for the access log
  std::string target = "-";
  std::string handler = "none";  // the route's path
  int status = 0;
  std::string note{};  // ends the line, such as "outcome=cancelled"
  bool quiet = false;  // a probe: logged at debug
};

struct RouteCall {
  const httplib::Request& request;
  httplib::Response& response;
  Exchange& exchange;
  std::string path_tail;  // of a prefix route: what follows the prefix, URL-decoded
  std::string body;
};

/// Answers by filling call.response, or throws Error.
using RouteHandler = std::function<void(RouteCall& call)>;

struct Route {
  std::string method;  // "GET" answers HEAD as well
  std::string path;    // ends with "/" for a prefix
  RouteHandler handler;
  bool is_probe = false;  // answered without a key, while draining and over the limit of requests
};

using Routes = std::vector<Route>;

}  // namespace spyhop
