#include "common/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "raw_server.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

/// Every name is this machine; remembers which were asked for.
class LoopbackResolver {
 public:
  Resolver function() {
    return [this](const std::string& host, milliseconds) {
      const std::lock_guard<std::mutex> lock(mutex_);
      hosts_.push_back(host);
      return std::vector<IpAddress>{IpAddress::parse("127.0.0.1").value()};
    };
  }
  std::vector<std::string> hosts() const { return hosts_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> hosts_;
};

FetchPolicy open_policy() {
  FetchPolicy policy;
  policy.allow_private_addresses = true;
  return policy;
}

Error error_of(const HttpGet& request, const AddressGuard& guard) {
  try {
    const HttpResponse response = http_get(request, guard);
    ADD_FAILURE() << "status " << response.status << ", " << response.body.size() << " bytes";
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "no error");
}

/// A server on a free loopback port, reached under made-up names.
template <typename Server>
class RunningServer {
 public:
  template <typename... Args>
  explicit RunningServer(Args... args) : server_(args...) {
    server_.set_keep_alive_timeout(1);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(milliseconds(1));
  }
  ~RunningServer() {
    server_.stop();
    thread_.join();
  }
  Server& operator*() { return server_; }
  Server* operator->() { return &server_; }
  std::string url(const std::string& host, const std::string& path) const {
    return "http://" + host + ":" + std::to_string(port_) + path;
  }
  int port() const { return port_; }

 private:
  Server server_;
  int port_ = 0;
  std::thread thread_;
};

class HttpClient : public testing::Test {
 protected:
  HttpClient() {
    server_->Get("/hello", [](const httplib::Request& request, httplib::Response& response) {
      response.set_header("x-host", request.get_header_value("Host"));
      response.set_content("hello from " + request.get_header_value("Host"), "text/plain");
    });
    server_->Get("/echo", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(request.target + " key=" + request.get_header_value("x-key"), "text/plain");
    });
    server_->Get("/big", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(std::string(100'000, 'x'), "image/png");
    });
    server_->Get("/endless", [](const httplib::Request&, httplib::Response& response) {
      response.set_chunked_content_provider("image/png", [](size_t, httplib::DataSink& sink) {
        const std::string piece(4096, 'x');
        return sink.write(piece.data(), piece.size());
      });
    });
    server_->Get("/redirect", [](const httplib::Request& request, httplib::Response& response) {
      response.set_redirect(request.get_param_value("to"), std::stoi(request.get_param_value("status")));
    });
    server_->Get("/loop", [](const httplib::Request&, httplib::Response& response) { response.set_redirect("/loop"); });
  }

  HttpGet get(const std::string& path, const std::string& host = "pinned.test") const {
    HttpGet request;
    request.url = server_.url(host, path);
    return request;
  }

  RunningServer<httplib::Server> server_;
  LoopbackResolver resolver_;
  AddressGuard guard_{open_policy(), resolver_.function()};
};

TEST_F(HttpClient, ConnectsToTheResolvedAddressUnderTheHostsOwnName) {
  const HttpResponse response = http_get(get("/hello"), guard_);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello from pinned.test:" + std::to_string(server_.port()));
  EXPECT_THAT(resolver_.hosts(), testing::ElementsAre("pinned.test"));
}

TEST_F(HttpClient, SendsTheTargetUnchanged) {
  EXPECT_EQ(http_get(get("/echo?sig=a+b%2Fc%3D&x='y'"), guard_).body, "/echo?sig=a+b%2Fc%3D&x='y' key=");
}

TEST_F(HttpClient, GivesOtherStatusesWithoutTheirBody) {
  const HttpResponse response = http_get(get("/missing"), guard_);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "");
}

TEST_F(HttpClient, FollowsEveryKindOfRedirectAndResolvesEachHost) {
  for (const char* status : {"301", "302", "303", "307", "308"}) {
    const std::string target = server_.url("other.test", "/hello");
    const HttpResponse response = http_get(get("/redirect?status=" + std::string(status) + "&to=" + target), guard_);
    EXPECT_EQ(response.status, 200) << status;
    EXPECT_THAT(response.body, HasSubstr("other.test")) << status;
  }
  EXPECT_THAT(resolver_.hosts(), testing::Contains("other.test").Times(5));
  EXPECT_THAT(http_get(get("/redirect?status=302&to=/hello"), guard_).body, HasSubstr("pinned.test"));
}

TEST_F(HttpClient, ChecksRedirectTargetsLikeTheFirstHost) {
  FetchPolicy policy = open_policy();
  policy.allowed_domains = {"pinned.test"};
  const AddressGuard guard(policy, resolver_.function());
  const Error error = error_of(get("/redirect?status=302&to=" + server_.url("other.test", "/hello")), guard);
  EXPECT_EQ(error.code(), ErrorCode::kForbidden);
  EXPECT_THAT(error.what(), HasSubstr("other.test"));
  EXPECT_EQ(error_of(get("/redirect?status=302&to=file:///etc/passwd"), guard).code(), ErrorCode::kInvalidRequest);
}

TEST_F(HttpClient, RefusesPrivateAddressesBeforeConnecting) {
  const AddressGuard guard(FetchPolicy{}, resolver_.function());
  const Error error = error_of(get("/hello"), guard);
  EXPECT_EQ(error.code(), ErrorCode::kForbidden);
  EXPECT_THAT(error.what(), HasSubstr("loopback"));
}

TEST_F(HttpClient, StopsAfterTheRedirectsAllowed) {
  HttpGet request = get("/loop");
  request.max_redirects = 4;
  EXPECT_THAT(error_of(request, guard_).what(), HasSubstr("more than 4 times"));
  EXPECT_EQ(resolver_.hosts().size(), 5U);
  request = get("/redirect?status=302&to=/hello");
  request.max_redirects = 0;
  EXPECT_EQ(error_of(request, guard_).code(), ErrorCode::kInvalidRequest);
}

TEST_F(HttpClient, SendsItsHeadersToTheFirstOriginOnly) {
  HttpGet request = get("/echo");
  request.headers = {{"x-key", "secret"}};
  EXPECT_THAT(http_get(request, guard_).body, HasSubstr("key=secret"));
  request.url = server_.url("pinned.test", "/redirect?status=302&to=/echo");
  EXPECT_THAT(http_get(request, guard_).body, HasSubstr("key=secret"));
  request.url = server_.url("pinned.test", "/redirect?status=302&to=" + server_.url("other.test", "/echo"));
  EXPECT_THAT(http_get(request, guard_).body, testing::EndsWith("key="));
}

TEST_F(HttpClient, CutsBodiesOverTheLimit) {
  HttpGet request = get("/big");
  request.max_bytes = 100'000;
  EXPECT_EQ(http_get(request, guard_).body.size(), 100'000U);
  request.max_bytes = 99'999;
  EXPECT_EQ(error_of(request, guard_).code(), ErrorCode::kTooLarge);
  request.url = server_.url("pinned.test", "/endless");
  const Error error = error_of(request, guard_);
  EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
  EXPECT_THAT(error.what(), HasSubstr("99999"));
}

TEST_F(HttpClient, TriesTheNextAddressWhenOneDoesNotAnswer) {
  const AddressGuard guard(open_policy(), [](const std::string&, milliseconds) {
    return std::vector<IpAddress>{IpAddress::parse("::1").value(), IpAddress::parse("127.0.0.1").value()};
  });
  EXPECT_EQ(http_get(get("/hello"), guard).status, 200);
}

/// The message for a server that behaves like `script`, without the port.
std::string failure_message(std::function<void(const RawServer::Send&)> script, ErrorCode code = ErrorCode::kInvalidRequest) {
  RawServer server(std::move(script));
  HttpGet request;
  request.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
  request.max_bytes = 10'000;
  request.total_timeout = milliseconds(300);
  const auto start = Clock::now();
  const Error error = error_of(request, AddressGuard(open_policy()));
  EXPECT_LT(Clock::now() - start, milliseconds(5000));
  EXPECT_EQ(error.code(), code);
  const std::string message = error.what();
  const size_t port = message.find(std::to_string(server.port()));
  return port == std::string::npos ? message
                                   : message.substr(0, port) + message.substr(port + std::to_string(server.port()).size());
}

std::string closed_port_message() {
  int port = 0;
  {
    port = RawServer([](const RawServer::Send&) {}).port();
  }
  HttpGet request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/";
  request.total_timeout = milliseconds(300);
  const std::string message = error_of(request, AddressGuard(open_policy())).what();
  const size_t at = message.find(std::to_string(port));
  return message.substr(0, at) + message.substr(at + std::to_string(port).size());
}

void wait_until_gone(const RawServer::Send& send, const std::string& piece, milliseconds pause) {
  while (send(piece)) std::this_thread::sleep_for(pause);
}

TEST(HttpClientFailures, ReadTheSameForClosedPortsSilentServersAndNoise) {
  const std::string expected = closed_port_message();
  EXPECT_THAT(expected, HasSubstr("could not be fetched"));
  EXPECT_EQ(failure_message([](const auto&) {}), expected);
  EXPECT_EQ(failure_message([](const auto&) { std::this_thread::sleep_for(milliseconds(600)); }), expected);
  EXPECT_EQ(failure_message([](const auto& send) { send("SSH-2.0-OpenSSH_9.2\r\n"); }), expected);
  EXPECT_EQ(failure_message([](const auto& send) { send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"); }), expected);
}

TEST(HttpClientFailures, KeepTheTotalTimeHoweverSlowlyTheServerSends) {
  const std::string expected = closed_port_message();
  const milliseconds pause(20);
  EXPECT_EQ(failure_message([&](const auto& send) { wait_until_gone(send, "H", pause); }), expected);
  EXPECT_EQ(failure_message([&](const auto& send) {
              send("HTTP/1.1 200 OK\r\n");
              wait_until_gone(send, "x: y\r\n", pause);
            }),
            expected);
  EXPECT_EQ(failure_message([&](const auto& send) {
              send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n");
              wait_until_gone(send, "x", pause);
            }),
            expected);
}

TEST(HttpClientFailures, StopAFloodOfHeaders) {
  RawServer server([](const RawServer::Send& send) {
    send("HTTP/1.1 200 OK\r\n");
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "x-header: " + std::string(50, 'y') + "\r\n";
    wait_until_gone(send, lines, milliseconds(0));
  });
  HttpGet request;
  request.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
  request.total_timeout = milliseconds(20'000);
  request.max_bytes = 1000;
  const auto start = Clock::now();
  EXPECT_EQ(error_of(request, AddressGuard(open_policy())).code(), ErrorCode::kInvalidRequest);
  EXPECT_LT(Clock::now() - start, milliseconds(10'000)) << "the byte limit, not the time limit, has to end it";
}

TEST(HttpClientFailures, TakeAsMuchAsTheContentLengthPromises) {
  RawServer server([](const RawServer::Send& send) { send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshorter than sent"); });
  HttpGet request;
  request.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
  EXPECT_EQ(http_get(request, AddressGuard(open_policy())).body, "short");
}

TEST(HttpClientFailures, RefuseAContentLengthOverTheLimitBeforeTheBody) {
  failure_message([](const auto& send) { send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"); },
                  ErrorCode::kTooLarge);
}

class HttpsClient : public testing::Test {
 protected:
  HttpsClient() {
    server_->Get("/hello",
                 [](const httplib::Request&, httplib::Response& response) { response.set_content("hello", "text/plain"); });
  }
  static std::string tls_file(const std::string& name) { return std::string(SPYHOP_TEST_DATA) + "/tls/" + name; }
  HttpGet get(const std::string& host) const {
    HttpGet request;
    request.url = "https://" + host + ":" + std::to_string(server_.port()) + "/hello";
    request.ca_file = tls_file("certificate.pem");
    return request;
  }

  const std::string certificate_ = tls_file("certificate.pem");
  const std::string key_ = tls_file("key.pem");
  RunningServer<httplib::SSLServer> server_{certificate_.c_str(), key_.c_str()};
  LoopbackResolver resolver_;
  AddressGuard guard_{open_policy(), resolver_.function()};
};

TEST_F(HttpsClient, VerifiesTheCertificateAgainstTheNameWhileConnectedToThePinnedAddress) {
  EXPECT_EQ(http_get(get("pinned.test"), guard_).body, "hello");
}

TEST_F(HttpsClient, RefusesACertificateForAnotherName) {
  EXPECT_EQ(error_of(get("other.test"), guard_).code(), ErrorCode::kInvalidRequest);
}

TEST_F(HttpsClient, RefusesACertificateThatNobodyTrusted) {
  HttpGet request = get("pinned.test");
  request.ca_file.clear();
  EXPECT_EQ(error_of(request, guard_).code(), ErrorCode::kInvalidRequest);
}

TEST(HttpsClientFailures, KeepTheTotalTimeInAHandshakeThatNeverEnds) {
  RawServer server(
      [](const RawServer::Send& send) { wait_until_gone(send, std::string("\x16\x03\x03", 3), milliseconds(20)); });
  HttpGet request;
  request.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  request.total_timeout = milliseconds(300);
  const auto start = Clock::now();
  EXPECT_EQ(error_of(request, AddressGuard(open_policy())).code(), ErrorCode::kInvalidRequest);
  EXPECT_LT(Clock::now() - start, milliseconds(5000));
}

}  // namespace
}  // namespace spyhop
