#include "bench/endpoint.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/url.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::string_view kVersionPrefix = "/v1";

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList look_up(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (status != 0) throw Error(ErrorCode::kUnavailable, "no address for '" + url.host + "': " + gai_strerror(status));
  return {found, &freeaddrinfo};
}

/// Connects and hangs up: 0, or the error number.
int try_connect(const addrinfo& address, std::chrono::milliseconds patience) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd writable{fd, POLLOUT, 0};
    socklen_t size = sizeof(error);
    if (poll(&writable, 1, static_cast<int>(patience.count())) <= 0) {
      error = ETIMEDOUT;
    } else {
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  close(fd);
  return error;
}

void check_key(const std::string& key) {
  const auto is_printable = [](char c) { return c > ' ' && c < 0x7F; };
  if (!std::all_of(key.begin(), key.end(), is_printable)) {
    throw Error(ErrorCode::kInvalidRequest, "an API key consists of printable ASCII characters without spaces", "--api-key");
  }
}

}  // namespace

Endpoint::Endpoint(const std::string& base_url, const std::string& api_key, std::chrono::milliseconds patience) {
  const Url url = parse_url(base_url);
  if (url.is_https) {
    throw Error(ErrorCode::kInvalidRequest, "'" + url.origin() + "': only http is spoken here; measure behind the TLS proxy",
                "--base-url");
  }
  check_key(api_key);
  url_ = url.origin();
  path_prefix_ = url.target.substr(0, url.target.find('?'));
  while (!path_prefix_.empty() && path_prefix_.back() == '/') path_prefix_.pop_back();
  const size_t size = path_prefix_.size(), ending = kVersionPrefix.size();
  if (size >= ending && path_prefix_.substr(size - ending) == kVersionPrefix) path_prefix_.resize(size - ending);
  common_headers_ = "Host: " + url.authority() + "\r\nUser-Agent: spyhop/" SPYHOP_VERSION "\r\nAccept-Encoding: identity\r\n";
  if (!api_key.empty()) common_headers_ += "Authorization: Bearer " + api_key + "\r\n";

  const AddressList addresses = look_up(url);
  int error = 0;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    error = try_connect(*address, patience);
    if (error != 0) continue;
    std::memcpy(&address_, address->ai_addr, address->ai_addrlen);
    address_size_ = address->ai_addrlen;
    return;
  }
  throw Error(ErrorCode::kUnavailable, "no server at '" + url_ + "': " + std::strerror(error), "--base-url");
}

std::string Endpoint::get_head(const std::string& path) const {
  return head("GET", path) + "Accept: application/json\r\n\r\n";
}

std::string Endpoint::post_head(const std::string& path, size_t body_bytes) const {
  return head("POST", path) + "Accept: text/event-stream, application/json\r\nContent-Type: application/json\r\n" +
         "Content-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
}

std::string Endpoint::head(std::string_view method, const std::string& path) const {
  return std::string(method) + " " + path_prefix_ + path + " HTTP/1.1\r\n" + common_headers_;
}

}  // namespace spyhop
