#include "hub/http_transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <thread>

#include "http_server.h"
#include "hub/hub_connection.h"
#include "spyhop/error.h"

namespace spyhop::testing {
namespace {

using ::testing::HasSubstr;

HttpHead head_with(const std::string& name, const std::string& value) {
  HttpHead head;
  head.headers[name] = value;
  return head;
}

TEST(HttpHead, ReadsContentRanges) {
  const auto range = head_with("content-range", "bytes 5-9/20").content_range();
  ASSERT_TRUE(range);
  EXPECT_EQ(range->range.begin, 5);
  EXPECT_EQ(range->range.end, 10);
  EXPECT_EQ(range->total, 20);
  EXPECT_EQ(head_with("content-range", "bytes 0-0/*").content_range()->total, -1);
  for (const char* text : {"", "bytes */20", "bytes 9-5/20", "bytes a-b/c", "5-9/20", "bytes 5-9", "bytes -1-9/20",
                           "bytes 0-9223372036854775807/1", "bytes 0-99999999999999999999/1"}) {
    EXPECT_FALSE(head_with("content-range", text).content_range()) << text;
  }
}

TEST(HttpHead, ReadsLengthsAndWaits) {
  EXPECT_EQ(head_with("content-length", "12").content_length(), 12);
  EXPECT_EQ(head_with("content-length", "-12").content_length(), -1);
  EXPECT_EQ(HttpHead().content_length(), -1);
  EXPECT_EQ(head_with("retry-after", "7").retry_after_seconds(), 7);
  EXPECT_EQ(head_with("retry-after", "99999999").retry_after_seconds(), 3600);
  EXPECT_EQ(head_with("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after_seconds(), 0);
}

TEST(HttpTransfer, KeepsItsConnection) {
  std::atomic<int> num_requests{0};
  HttpServer server([&](const ServerRequest&, const HttpServer::Send& send) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(++num_requests);
    return send(text.data(), text.size());
  });
  HttpTransfer transfer({});
  for (int i = 1; i <= 3; ++i) {
    std::string body;
    HttpTransferRequest request;
    request.url = server.url();
    request.on_data = [&](const char* data, size_t size) {
      body.append(data, size);
      return true;
    };
    EXPECT_TRUE(transfer.run(request).is_complete);
    EXPECT_EQ(body, std::to_string(i));
  }
}

TEST(HttpTransfer, PassesExceptionsOn) {
  HttpServer server([](const ServerRequest&, const HttpServer::Send& send) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    return send(text.data(), text.size());
  });
  HttpTransfer transfer({});
  HttpTransferRequest request;
  request.url = server.url();
  request.on_data = [](const char*, size_t) -> bool { throw Error(ErrorCode::kInternal, "from within"); };
  EXPECT_THROW(transfer.run(request), Error);
  request.on_data = [](const char*, size_t) { return true; };
  EXPECT_TRUE(transfer.run(request).is_complete);
}

TEST(HttpTransfer, SaysInWordsWhyThereIsNoAnswer) {
  HttpTransfer transfer({});
  HttpTransferRequest request;
  request.url = "http://127.0.0.1:1/";
  const HttpTransferResult result = transfer.run(request);
  EXPECT_FALSE(result.is_complete);
  EXPECT_EQ(result.head.status, 0);
  EXPECT_THAT(result.problem, HasSubstr("connect"));
}

TEST(HttpTransfer, TakesNoEndOfHeaders) {
  HttpServer server([](const ServerRequest&, const HttpServer::Send& send) {
    std::string text = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 4000; ++i) text += "X-Long-" + std::to_string(i) + ": yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
    return send(text.data(), text.size());
  });
  HttpTransfer transfer({});
  HttpTransferRequest request;
  request.url = server.url();
  EXPECT_FALSE(transfer.run(request).is_complete);
}

TEST(HubConnection, FollowsNoCircle) {
  HttpServer* self = nullptr;
  HttpServer server([&](const ServerRequest&, const HttpServer::Send& send) {
    const std::string text = "HTTP/1.1 302 Found\r\nLocation: " + self->url() + "/again\r\nContent-Length: 0\r\n\r\n";
    return send(text.data(), text.size());
  });
  self = &server;
  HubConnection connection({server.url(), {}}, {}, {});
  try {
    connection.get_text(server.url() + "/", 100);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("after 5 redirects, the most that is allowed"));
  }
}

TEST(HubConnection, TakesNoMoreThanItIsTold) {
  HttpServer server([](const ServerRequest&, const HttpServer::Send& send) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x');
    return send(text.data(), text.size());
  });
  HubConnection connection({server.url(), {}}, {}, {});
  EXPECT_EQ(connection.get_text(server.url() + "/", 1000).body.size(), 1000U);
  EXPECT_THROW(connection.get_text(server.url() + "/", 999), Error);
}

TEST(HubConnection, AsksAgainWhenTheServerIsBusy) {
  std::atomic<int> num_requests{0};
  HttpServer server([&](const ServerRequest&, const HttpServer::Send& send) {
    const std::string status = ++num_requests < 3 ? "503 Busy" : "200 OK";
    const std::string text = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
    return send(text.data(), text.size());
  });
  RetryPolicy quick;
  quick.first_pause = std::chrono::milliseconds(1);
  HubConnection connection({server.url(), {}}, {}, quick);
  EXPECT_EQ(connection.get_text(server.url() + "/", 10).head.status, 200);
  EXPECT_EQ(num_requests, 3);
}

TEST(RetryPolicy, DoublesItsPausesAndDoesWhatTheServerAsks) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.pause_after(1, 0, 1).count(), 500);
  EXPECT_EQ(policy.pause_after(1, 0, 0).count(), 250);
  EXPECT_EQ(policy.pause_after(4, 0, 1).count(), 4000);
  EXPECT_EQ(policy.pause_after(50, 0, 1).count(), 30'000);
  EXPECT_EQ(policy.pause_after(1, 60, 0).count(), 60'000);
  EXPECT_EQ(policy.pause_after(1, 3600, 0).count(), 120'000);
}

/// A server with the certificate of "localhost", which nobody but these tests trusts.
class HttpsTransfer : public ::testing::Test {
 protected:
  HttpsTransfer() : server_(tls_file("localhost.pem").c_str(), tls_file("localhost_key.pem").c_str()) {
    server_.Get("/hello",
                [](const httplib::Request&, httplib::Response& response) { response.set_content("hello", "text/plain"); });
    server_.Get("/away", [](const httplib::Request&, httplib::Response& response) {
      response.set_redirect("http://127.0.0.1:1/hello");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~HttpsTransfer() override {
    server_.stop();
    thread_.join();
  }

  static std::string tls_file(const std::string& name) { return std::string(SPYHOP_TEST_DATA) + "/tls/" + name; }
  std::string url(const std::string& host) const { return "https://" + host + ":" + std::to_string(port_); }
  HttpTransferResult get(const std::string& host, const std::string& ca_file) const {
    HttpTransferLimits limits;
    limits.ca_file = ca_file;
    HttpTransferRequest request;
    request.url = url(host) + "/hello";
    request.on_data = [](const char*, size_t) { return true; };
    return HttpTransfer(limits).run(request);
  }

  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(HttpsTransfer, ChecksTheCertificateAndItsName) {
  EXPECT_EQ(get("localhost", tls_file("localhost.pem")).head.status, 200);
  EXPECT_EQ(get("127.0.0.1", tls_file("localhost.pem")).head.status, 0);
  const HttpTransferResult untrusted = get("localhost", "");
  EXPECT_EQ(untrusted.head.status, 0);
  EXPECT_THAT(untrusted.problem, HasSubstr("SSL"));
}

TEST_F(HttpsTransfer, IsNotLeftForPlainHttp) {
  HttpTransferLimits limits;
  limits.ca_file = tls_file("localhost.pem");
  HubConnection connection({url("localhost"), {}}, limits, {});
  try {
    connection.get_text(url("localhost") + "/away", 100);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("away from https; that is not followed"));
  }
}

TEST(PercentEncoding, KeepsWhatUrlsTake) {
  EXPECT_EQ(percent_encoded("a-b_c.d~e/f g?&=%é", true), "a-b_c.d~e/f%20g%3F%26%3D%25%C3%A9");
  EXPECT_EQ(percent_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
}

}  // namespace
}  // namespace spyhop::testing
