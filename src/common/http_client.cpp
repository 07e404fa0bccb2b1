#include "common/http_client.h"

#include <httplib.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>

#include "common/socket_watch.h"
#include "common/url.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Clock = SocketWatch::Clock;
using std::chrono::milliseconds;

constexpr uint64_t kMaxOverheadBytes = uint64_t{1} << 20;  // status line, headers, framing and TLS around a body

bool is_success(int status) {
  return status >= 200 && status < 300;
}
bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// What one request to one address gave. `status` is 0 where no answer came.
struct Answer {
  int status = 0;
  std::string location;
  std::string body;
  bool too_large = false;
  bool complete = false;  // the whole body has been read
};

/// One http_get: its limits and the time it has left.
class Fetch {
 public:
  Fetch(const HttpGet& request, const AddressGuard& guard)
      : request_(request), guard_(guard), deadline_(Clock::now() + request.total_timeout) {}

  HttpResponse run() {
    Url url = parse_url(request_.url);
    const std::string first_origin = url.origin();
    for (int num_redirects = 0;; ++num_redirects) {
      Answer answer = ask_host(url, url.origin() == first_origin);
      if (!is_redirect(answer.status) || answer.location.empty()) return {answer.status, std::move(answer.body)};
      if (num_redirects >= request_.max_redirects) {
        throw Error(ErrorCode::kInvalidRequest, "'" + first_origin + "' redirects more than " +
                                                    std::to_string(request_.max_redirects) +
                                                    " times, the most that is allowed");
      }
      url = resolve_redirect(url, answer.location);
    }
  }

 private:
  milliseconds time_left() const {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline_ - Clock::now()));
  }

  [[noreturn]] void fail(const Url& url) const {
    throw Error(ErrorCode::kInvalidRequest, "'" + url.origin() +
                                                "' could not be fetched: no connection, or no complete answer within " +
                                                std::to_string(request_.total_timeout.count()) + " ms");
  }

  /// Tries the host's addresses in turn until one answers.
  Answer ask_host(const Url& url, bool with_headers) const {
    for (const IpAddress& address : guard_.allowed_addresses(url.host, time_left())) {
      if (time_left() == milliseconds(0)) break;
      Answer answer = ask_address(url, address, with_headers);
      if (answer.too_large) {
        throw Error(ErrorCode::kTooLarge, "the answer of '" + url.origin() + "' is larger than the " +
                                              std::to_string(request_.max_bytes) + " bytes that are allowed");
      }
      if (answer.complete || (answer.status != 0 && !is_success(answer.status))) return answer;
      if (answer.status != 0) break;
    }
    fail(url);
  }

  Answer ask_address(const Url& url, const IpAddress& address, bool with_headers) const {
    SocketWatch watch(deadline_, request_.max_bytes + kMaxOverheadBytes);
    const std::unique_ptr<httplib::ClientImpl> client = make_client(url);
    client->set_hostname_addr_map({{url.host, address.to_string()}});
    client->set_socket_options([&watch](socket_t socket) { watch.watch(socket); });

    Answer answer;
    const auto on_headers = [&](const httplib::Response& response) {
      answer.status = response.status;
      answer.location = response.get_header_value("Location");
      if (!is_success(response.status)) return false;
      answer.too_large = response.get_header_value<uint64_t>("Content-Length") > request_.max_bytes;
      return !answer.too_large;
    };
    const auto on_data = [&](const char* data, size_t size) {
      answer.too_large = size > request_.max_bytes - answer.body.size();
      if (!answer.too_large) answer.body.append(data, size);
      return !answer.too_large;
    };
    answer.complete = bool{client->Get(url.target, make_headers(url, with_headers), on_headers, on_data)};
    return answer;
  }

  std::unique_ptr<httplib::ClientImpl> make_client(const Url& url) const {
    std::unique_ptr<httplib::ClientImpl> client;
    if (url.is_https) {
      client = std::make_unique<httplib::SSLClient>(url.host, url.port);
      client->enable_server_certificate_verification(true);
      if (!request_.ca_file.empty()) client->set_ca_cert_path(request_.ca_file);
    } else {
      client = std::make_unique<httplib::ClientImpl>(url.host, url.port);
    }
    client->set_follow_location(false);  // httplib would look up the next host itself
    client->set_url_encode(false);
    client->set_connection_timeout(std::min(request_.connect_timeout, time_left()));
    client->set_read_timeout(time_left());
    client->set_write_timeout(time_left());
    return client;
  }

  httplib::Headers make_headers(const Url& url, bool with_headers) const {
    httplib::Headers headers = {{"Host", url.authority()},
                                {"User-Agent", "spyhop/" SPYHOP_VERSION},
                                {"Accept", "*/*"},
                                {"Accept-Encoding", "identity"}};
    if (with_headers) headers.insert(request_.headers.begin(), request_.headers.end());
    return headers;
  }

  const HttpGet& request_;
  const AddressGuard& guard_;
  const Clock::time_point deadline_;
};

}  // namespace

HttpResponse http_get(const HttpGet& request, const AddressGuard& guard) {
  // A write to a connection that the peer or the watch has shut down must fail, not end the process.
  static const auto kPreviousHandler = std::signal(SIGPIPE, SIG_IGN);
  static_cast<void>(kPreviousHandler);
  return Fetch(request, guard).run();
}

}  // namespace spyhop
