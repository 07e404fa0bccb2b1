// A client of a server like this one: for commands, one request after the other.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace spyhop {

struct ApiClientOptions {
  std::string endpoint = "http://127.0.0.1:9997";
  std::string api_key;  // empty = none
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds read_timeout{600'000};  // without a byte of the answer
};

/// Every member throws Error: kUnavailable when no server answers, and for an answer that tells of an error one with the
/// server's own message. One thread.
class ApiClient {
 public:
  /// Throws Error{kInvalidRequest, param "endpoint"} for an endpoint that is no http or https URL.
  explicit ApiClient(ApiClientOptions options);

  /// These return the body. `path` is below the endpoint, "/v1/models"; `json` may be empty.
  std::string get(const std::string& path) const { return request("GET", path, ""); }
  std::string post(const std::string& path, const std::string& json) const { return request("POST", path, json); }
  std::string remove(const std::string& path) const { return request("DELETE", path, ""); }

  /// Sends a request whose answer is a stream of events, and calls `on_data` with the data of each, the closing [DONE] apart,
  /// until it returns false.
  void stream(const std::string& path, const std::string& json,
              const std::function<bool(const std::string& data)>& on_data) const;

  const std::string& endpoint() const { return options_.endpoint; }

 private:
  std::string request(const std::string& method, const std::string& path, const std::string& json) const;

  ApiClientOptions options_;
  std::string prefix_;  // of paths
};

/// `text` for a part of a path or a query.
std::string url_escaped(const std::string& text);

}  // namespace spyhop
