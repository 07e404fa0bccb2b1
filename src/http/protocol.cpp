#include "http/protocol.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "api/error_json.h"
#include "http/answers.h"
#include "http/api_key.h"
#include "http/path_pattern.h"
#include "http/request_id.h"
#include "http/unserved_paths.h"

namespace spyhop {
namespace {

using httplib::Request;
using httplib::Response;
using Clock = std::chrono::steady_clock;

constexpr size_t kBodiesAtOnce = 4;  // of the largest size allowed; many more of the usual size

/// httplib's callbacks get the request only; they run on the thread that serves it.
thread_local Exchange* current_exchange = nullptr;

class CurrentExchange {
 public:
  explicit CurrentExchange(Exchange& exchange) { current_exchange = &exchange; }
  ~CurrentExchange() { current_exchange = nullptr; }
  CurrentExchange(const CurrentExchange&) = delete;
  CurrentExchange& operator=(const CurrentExchange&) = delete;
};

bool matches_method(const Route& route, const std::string& method) {
  return method == route.method || (method == "HEAD" && route.method == "GET");
}

void answer_preflight(const Request& request, Response& response) {
  constexpr size_t kMaxEchoBytes = 1024;
  const std::string asked = request.get_header_value("Access-Control-Request-Headers");
  const bool sane = !asked.empty() && asked.size() <= kMaxEchoBytes &&
                    std::all_of(asked.begin(), asked.end(), [](char c) { return c >= ' ' && c <= '~'; });
  response.status = 204;
  response.set_header("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
  response.set_header("Access-Control-Allow-Headers", sane ? asked : "authorization, content-type, x-api-key, x-request-id");
  response.set_header("Access-Control-Max-Age", "86400");
}

void log_access(const Exchange& exchange, Clock::time_point start) {
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  spdlog::log(exchange.quiet ? spdlog::level::debug : spdlog::level::info,
              "request_id={} method={} path={} status={} ms={:.1f}{}{}", exchange.request_id, exchange.method, exchange.target,
              exchange.status, ms, exchange.note.empty() ? "" : " ", exchange.note);
}

/// The keys that open all but the routes that change the server.
std::vector<std::string> known_keys(const ServerConfig& config) {
  std::vector<std::string> keys = config.api_keys;
  if (!keys.empty()) keys.insert(keys.end(), config.admin_api_keys.begin(), config.admin_api_keys.end());
  return keys;
}

/// A page of another site, in a browser on this machine, reaches a server that asks for no key. Throws Error{kForbidden}.
void refuse_other_sites(const Request& request, const ServerConfig& config) {
  if (!config.api_keys.empty() || !config.admin_api_keys.empty() || !request.has_header("Origin")) return;
  const std::string origin = request.get_header_value("Origin");
  const size_t host = origin.find("://");
  if (host != std::string::npos && origin.substr(host + 3) == request.get_header_value("Host")) return;
  throw Error(ErrorCode::kForbidden, "a page of another site may not change this server; start it with --admin-api-key");
}

/// The path as sent, so still escaped, without the query.
std::string logged_path(const Request& request) {
  constexpr size_t kMaxLoggedBytes = 200;
  return request.target.substr(0, std::min(request.target.find('?'), kMaxLoggedBytes));
}

}  // namespace

Protocol::Protocol(const ServerState& state, Routes routes)
    : state_(state),
      routes_(std::move(routes)),
      metrics_(state.metrics),
      body_budget_(kBodiesAtOnce * state.config.max_body_bytes) {
  constexpr size_t kManyRequests = 1'000'000;
  svr_sock_ = 0;  // any valid number: httplib writes streams only while it believes to be listening
  set_keep_alive_timeout(state.config.keep_alive.count());
  set_keep_alive_max_count(kManyRequests);
  set_pre_routing_handler([this](const Request& request, Response& response) { return before_body(request, response); });
  set_error_handler([](const Request&, Response& response) {
    if (!response.body.empty()) return;
    const int status = response.status;
    answer_error(response, Error(error_code_of_status(status), "the request is malformed"));
    response.status = status;
  });
  set_post_routing_handler([this](const Request& request, Response& response) { complete_headers(request, response); });
  Post(".*", [this](const Request& request, Response& response, const httplib::ContentReader& reader) {
    after_body(request, response, reader);
  });
}

void Protocol::serve(Connection& connection, bool over_limit) {
  const Clock::time_point start = Clock::now();
  Exchange exchange{connection, make_id("req_")};
  exchange.over_limit = over_limit;
  const CurrentExchange scope(exchange);
  if (over_limit || state_.draining) connection.close_after_answer();
  try {
    bool closed = false;
    const bool answered = process_request(connection, /*close_connection=*/false, closed, nullptr);
    if (!answered || closed) connection.close_after_answer();
  } catch (...) {
    to_error(std::current_exception(), exchange.request_id);  // for its line in the log: there is no answer to put it into
    connection.close_after_answer();
  }
  metrics_.note_answered(exchange);
  log_access(exchange, start);
}

void Protocol::refuse(Connection& connection) const {
  const BadHead& bad_head = connection.bad_head();
  Exchange exchange{connection, make_id("req_")};
  exchange.status = bad_head.status;
  const std::string body = error_body(Error(error_code_of_status(bad_head.status), bad_head.message));
  const std::string answer = "HTTP/1.1 " + std::to_string(bad_head.status) +
                             " Refused\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\nConnection: close\r\nx-should-retry: false\r\nx-request-id: " + exchange.request_id +
                             "\r\n\r\n" + body;
  connection.write(answer.data(), answer.size());
  metrics_.note_answered(exchange);
  log_access(exchange, Clock::now());
}

httplib::Server::HandlerResponse Protocol::before_body(const Request& request, Response& response) const {
  Exchange& exchange = *current_exchange;
  exchange.request_id = accept_request_id(request.get_header_value("x-request-id"));
  exchange.method = request.method;
  exchange.target = logged_path(request);
  try {
    if (request.method == "OPTIONS") {
      answer_preflight(request, response);
      return HandlerResponse::Handled;
    }
    const Route& route = find_route(request, response);
    exchange.route = &route;
    exchange.handler = route.path;
    exchange.quiet = route.is_probe;
    check_admission(route, exchange);
    if (route.method == "POST") return HandlerResponse::Unhandled;
    RouteCall call{request, response, exchange, exchange.path_values, ""};
    route.handler(call);
  } catch (...) {
    answer_error(response, to_error(std::current_exception(), exchange.request_id));
  }
  return HandlerResponse::Handled;
}

void Protocol::check_access(const Route& route, const Request& request) const {
  if (route.is_probe) return;
  const ServerConfig& config = state_.config;
  if (!route.is_admin) return require_api_key(request, known_keys(config));
  refuse_other_sites(request, config);
  if (config.admin_api_keys.empty()) return require_api_key(request, config.api_keys);
  try {
    require_api_key(request, config.admin_api_keys);
  } catch (const Error&) {
    if (config.api_keys.empty()) throw;
    require_api_key(request, config.api_keys);
    throw Error(ErrorCode::kForbidden, request.method + " " + route.path + " changes the server: it needs the admin key");
  }
}

const Route& Protocol::find_route(const Request& request, Response& response) const {
  const Route* same_path = nullptr;
  for (const Route& route : routes_) {
    std::optional<std::vector<std::string>> values = match_path(route.path, request.path);
    if (!values) continue;
    same_path = &route;
    if (!matches_method(route, request.method)) continue;
    check_access(route, request);
    current_exchange->path_values = std::move(*values);
    return route;
  }
  require_api_key(request, known_keys(state_.config));
  if (same_path == nullptr) {
    const std::string why = why_unserved(request.path);
    throw Error(
        ErrorCode::kNotFound,
        "there is no " + logged_path(request) + (why.empty() ? "" : ": " + why) +
            "; allowed: POST /v1/chat/completions, /v1/completions, /v1/responses, /tokenize, /detokenize, GET /v1/models, "
            "/health, /ready, /load, /metrics, /version and the routes of README.md");
  }
  response.set_header("Allow", same_path->method == "GET" ? "GET, HEAD, OPTIONS" : same_path->method + ", OPTIONS");
  throw Error(ErrorCode::kMethodNotAllowed,
              request.method + " " + same_path->path + " is not possible; allowed: " + same_path->method);
}

void Protocol::check_admission(const Route& route, const Exchange& exchange) const {
  if (!route.is_probe && state_.draining) throw Error(ErrorCode::kUnavailable, "the server is shutting down");
  if (!route.is_probe && exchange.over_limit) {
    throw Error(ErrorCode::kOverloaded,
                "too many requests are being served; allowed: " + std::to_string(state_.config.max_connections))
        .retry_after(state_.retry_after_seconds());
  }
  if (exchange.connection.head().content_length > state_.config.max_body_bytes) {
    throw Error(ErrorCode::kTooLarge, "the body has " + std::to_string(exchange.connection.head().content_length) +
                                          " bytes; allowed: " + std::to_string(state_.config.max_body_bytes));
  }
}

std::string Protocol::read_body(const Request& request, const httplib::ContentReader& reader) const {
  if (request.is_multipart_form_data()) {
    throw Error(ErrorCode::kInvalidRequest, "the body is multipart/form-data; allowed: application/json");
  }
  const size_t limit = state_.config.max_body_bytes;
  ByteBudget::Share share(body_budget_);
  std::optional<Error> refusal;
  std::string body;
  const bool complete = reader([&](const char* data, size_t size) {
    if (size > limit - body.size()) {
      refusal.emplace(ErrorCode::kTooLarge, "the body is too large; allowed: " + std::to_string(limit) + " bytes");
    } else if (!share.grow(size)) {
      refusal.emplace(ErrorCode::kOverloaded, "too many large bodies are being received; try again later");
    } else {
      body.append(data, size);
    }
    return !refusal;
  });
  if (refusal) throw Error(*refusal);
  if (!complete) {
    throw Error(ErrorCode::kInvalidRequest,
                "the body cannot be read: it ended early, came too slowly, or its coding is broken");
  }
  current_exchange->connection.body_is_read();
  return body;
}

void Protocol::after_body(const Request& request, Response& response, const httplib::ContentReader& reader) const {
  Exchange& exchange = *current_exchange;
  try {
    RouteCall call{request, response, exchange, exchange.path_values, read_body(request, reader)};
    exchange.route->handler(call);
  } catch (...) {
    answer_error(response, to_error(std::current_exception(), exchange.request_id));
  }
}

void Protocol::complete_headers(const Request&, Response& response) const {
  Exchange& exchange = *current_exchange;
  exchange.status = response.status;
  response.set_header("x-request-id", exchange.request_id);
  response.set_header("Access-Control-Allow-Origin", "*");
  response.set_header("Access-Control-Expose-Headers", "x-request-id, retry-after, x-should-retry");
  if (!exchange.connection.closes()) return;
  response.headers.erase("Keep-Alive");
  response.headers.erase("Connection");
  response.set_header("Connection", "close");
}

}  // namespace spyhop
