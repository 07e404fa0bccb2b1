// What a route gets, and how routes are listed.
#pragma once

#include <httplib.h>

#include <functional>
#include <string>
#include <vector>

#include "http/connection.h"

namespace spyhop {

struct Route;

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
  const Route* route = nullptr;
  std::vector<std::string> path_values{};
};

struct RouteCall {
  const httplib::Request& request;
  httplib::Response& response;
  Exchange& exchange;
  std::vector<std::string> path_values;  // what stands for the names in braces of the route's path, URL-decoded
  std::string body;
};

/// Answers by filling call.response, or throws Error.
using RouteHandler = std::function<void(RouteCall& call)>;

struct Route {
  std::string method;  // "GET" answers HEAD as well
  std::string path;    // "/v1/models/{model_uid}": see match_path()
  RouteHandler handler;
  bool is_probe = false;  // or a file: answered without a key, while draining and over the limit of requests
  bool is_admin = false;  // changes the server: needs the admin key, where there is one
};

using Routes = std::vector<Route>;

}  // namespace spyhop
