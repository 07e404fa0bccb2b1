// Where requests go: a server's address and what all requests to it have in common.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

class Endpoint {
 public:
  /// `base_url`: http://host[:port][/path]; a last "/v1" may stand there or not. `api_key`: empty = none is sent.
  /// Looks the host up and connects once, to find an address that answers. Throws Error{kInvalidRequest} on a URL that is none,
  /// https, or a key that no header can carry; Error{kUnavailable} when nothing listens there within `patience`.
  Endpoint(const std::string& base_url, const std::string& api_key, std::chrono::milliseconds patience);

  const std::string& url() const { return url_; }
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t address_size() const { return address_size_; }
  int family() const { return address_.ss_family; }

  /// The head of a request for `path`, such as "/v1/models".
  std::string get_head(const std::string& path) const;
  std::string post_head(const std::string& path, size_t body_bytes) const;

 private:
  std::string head(std::string_view method, const std::string& path) const;

  std::string url_;
  std::string path_prefix_;
  std::string common_headers_;
  sockaddr_storage address_{};
  socklen_t address_size_ = 0;
};

}  // namespace spyhop
