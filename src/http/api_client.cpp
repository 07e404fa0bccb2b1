#include "http/api_client.h"

#include <httplib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/error_json.h"
#include "common/problem_list.h"
#include "common/url.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxErrorBytes = size_t{1} << 20;

std::string message_of(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return "";
  const auto detail = json.find("detail");
  if (detail != json.end() && detail->is_string()) return detail->get<std::string>();
  const auto error = json.find("error");
  if (error == json.end()) return "";
  if (error->is_string()) return error->get<std::string>();
  return error->is_object() && error->contains("message") && (*error)["message"].is_string()
             ? (*error)["message"].get<std::string>()
             : "";
}

ErrorCode code_of(int status) {
  if (status == 401) return ErrorCode::kUnauthorized;
  if (status == 403) return ErrorCode::kForbidden;
  if (status == 499) return ErrorCode::kCancelled;
  return error_code_of_status(status);
}

Error refusal(const std::string& endpoint, int status, const std::string& body) {
  const std::string message = message_of(body);
  if (!message.empty()) return Error(code_of(status), message);
  return Error(code_of(status), endpoint + " answered with status " + std::to_string(status) +
                                    (body.empty() ? "" : ": " + in_quotes(body, 200)));
}

Error no_answer(const std::string& endpoint, httplib::Error reason) {
  if (reason == httplib::Error::Connection || reason == httplib::Error::ConnectionTimeout) {
    return Error(ErrorCode::kUnavailable,
                 "no server answers at " + endpoint + "; start one with spyhop serve, or name another with --endpoint",
                 "endpoint");
  }
  return Error(ErrorCode::kUnavailable, endpoint + ": the answer did not come to its end (" + httplib::to_string(reason) + ")",
               "endpoint");
}

std::unique_ptr<httplib::Client> make_client(const ApiClientOptions& options) {
  auto client = std::make_unique<httplib::Client>(parse_url(options.endpoint).origin());
  client->set_connection_timeout(options.connect_timeout);
  client->set_read_timeout(options.read_timeout);
  client->set_tcp_nodelay(true);
  return client;
}

httplib::Request make_request(const ApiClientOptions& options, const std::string& method, const std::string& path,
                              const std::string& json) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.body = json;
  if (!json.empty()) request.set_header("Content-Type", "application/json");
  if (!options.api_key.empty()) request.set_header("Authorization", "Bearer " + options.api_key);
  return request;
}

/// Takes the data out of a stream of events, however it is cut.
class EventReader {
 public:
  explicit EventReader(const std::function<bool(const std::string&)>& on_data) : on_data_(on_data) {}

  bool feed(const char* bytes, size_t size) {
    rest_.append(bytes, size);
    for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.rfind("data: ", 0) != 0 || line == "data: [DONE]") continue;
      if (!on_data_(line.substr(6))) return false;
    }
    return true;
  }

 private:
  const std::function<bool(const std::string&)>& on_data_;
  std::string rest_;
};

}  // namespace

ApiClient::ApiClient(ApiClientOptions options) : options_(std::move(options)) {
  while (!options_.endpoint.empty() && options_.endpoint.back() == '/') options_.endpoint.pop_back();
  const std::string version = "/v1";
  if (options_.endpoint.size() > version.size() &&
      options_.endpoint.compare(options_.endpoint.size() - version.size(), version.size(), version) == 0) {
    options_.endpoint.resize(options_.endpoint.size() - version.size());
  }
  try {
    prefix_ = parse_url(options_.endpoint).target;
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidRequest, "the endpoint is " + in_quotes(options_.endpoint) + ": " + error.what(),
                "endpoint");
  }
  while (!prefix_.empty() && prefix_.back() == '/') prefix_.pop_back();
}

std::string ApiClient::request(const std::string& method, const std::string& path, const std::string& json) const {
  const httplib::Result result = make_client(options_)->send(make_request(options_, method, prefix_ + path, json));
  if (!result) throw no_answer(options_.endpoint, result.error());
  if (result->status >= 300) throw refusal(options_.endpoint, result->status, result->body);
  return result->body;
}

void ApiClient::stream(const std::string& path, const std::string& json,
                       const std::function<bool(const std::string& data)>& on_data) const {
  httplib::Request request = make_request(options_, "POST", prefix_ + path, json);
  int status = 0;
  std::string error_body;
  bool is_stopped = false;
  EventReader reader(on_data);
  request.response_handler = [&](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* bytes, size_t size, uint64_t, uint64_t) {
    if (status >= 300) {
      error_body.append(bytes, std::min(size, kMaxErrorBytes - std::min(kMaxErrorBytes, error_body.size())));
      return true;
    }
    is_stopped = !reader.feed(bytes, size);
    return !is_stopped;
  };
  const httplib::Result result = make_client(options_)->send(request);
  if (is_stopped) return;
  if (!result) throw no_answer(options_.endpoint, result.error());
  if (status >= 300) throw refusal(options_.endpoint, status, error_body);
}

std::string url_escaped(const std::string& text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~/:").find(c) != std::string_view::npos;
    if (is_plain) {
      escaped += c;
    } else {
      escaped += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return escaped;
}

}  // namespace spyhop
