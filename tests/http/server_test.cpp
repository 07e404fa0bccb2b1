#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "support/raw_client.h"
#include "support/test_server.h"

namespace spyhop::test {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr milliseconds kSoon{2000};

ServerConfig config_with_key() {
  ServerConfig config = small_config();
  config.api_keys = {"secret%20key"};
  return config;
}

TEST(server, ShowsItsModelUnderAnIdWithSlashes) {
  TestServer test;
  const auto list = test.client().Get("/v1/models");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->status, 200);
  EXPECT_EQ(Json::parse(list->body)["data"][0]["id"], "deepseek-ai/deepseek-vl2-tiny");
  for (const char* path : {"/v1/models/deepseek-ai/deepseek-vl2-tiny", "/v1/models/deepseek-ai%2Fdeepseek-vl2-tiny"}) {
    const auto one = test.client().Get(path);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->status, 200);
    EXPECT_EQ(Json::parse(one->body)["max_model_len"], 4096);
  }
  const auto other = test.client().Get("/v1/models/other");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->status, 404);
  EXPECT_EQ(Json::parse(other->body)["error"]["code"], "model_not_found");
}

TEST(server, ReportsHealthReadinessAndVersion) {
  TestServer test;
  EXPECT_EQ(test.client().Get("/health")->body, R"({"status":"ok"})");
  EXPECT_EQ(test.client().Get("/ready")->body, R"({"status":"ready"})");
  EXPECT_EQ(test.client().Get("/version")->body, R"({"version":")" SPYHOP_VERSION R"("})");
}

TEST(server, TellsItsLoad) {
  TestServer test;
  test.engine.load = {3, 5, 8, 256, 0.25, 1};
  const auto response = test.client().Get("/load");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(Json::parse(response->body),
            Json::parse(R"({"server_load": 8, "running": 3, "waiting": 5, "kv_cache_usage": 0.25, "max_num_seqs": 8,
                            "max_queue": 256})"));
}

TEST(server, CountsRequestsByMethodHandlerAndStatus) {
  TestServer test;
  for (int i = 0; i < 2; ++i) test.client().Post(kChatPath, chat_body(), "application/json");
  test.client().Post(kChatPath, "{", "application/json");
  test.client().Get("/v1/models/a/b");
  test.client().Get("/no/such/path");
  RawClient strange(test.server.port());
  strange.send("FETCH /health HTTP/1.1\r\nConnection: close\r\n\r\n");
  strange.read_to_close();
  RawClient broken(test.server.port());
  broken.send("GET\r\n\r\n");
  broken.read_to_close();
  const auto response = test.client().Get("/metrics");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line : {R"(http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 2)",
                           R"(http_requests_total{handler="/v1/chat/completions",method="POST",status="4xx"} 1)",
                           R"(http_requests_total{handler="/v1/models/{model_uid}",method="GET",status="4xx"} 1)",
                           R"(http_requests_total{handler="none",method="GET",status="4xx"} 1)",
                           R"(http_requests_total{handler="none",method="other",status="4xx"} 2)",
                           R"(spyhop:http_errors_total{status="404"} 2)"}) {
    EXPECT_THAT(response->body, HasSubstr(std::string(line) + "\n"));
  }
}

TEST(server, HasNoMetricsRouteWithoutMetrics) {
  spdlog::set_level(spdlog::level::off);
  FakeHost models(std::make_shared<FakeEngine>(hello));
  HttpServer server(small_config(), {models});
  server.start();
  httplib::Client client("127.0.0.1", server.port());
  EXPECT_EQ(client.Get("/metrics")->status, 404);
  EXPECT_EQ(client.Post(kChatPath, chat_body(), "application/json")->status, 200);
}

TEST(server, AnswersWhileTheModelLoads) {
  spdlog::set_level(spdlog::level::off);
  FakeHost models;
  models.set_state("deepseek-ai/deepseek-vl2-tiny", ModelState::kLoading);
  HttpServer server(small_config(), {models});
  server.start();
  httplib::Client client("127.0.0.1", server.port());
  for (const char* path : {"/health", "/load", "/v1/models"}) EXPECT_EQ(client.Get(path)->status, 200) << path;
  for (const char* path : {"/ready", "/v1/models/deepseek-ai/deepseek-vl2-tiny"}) {
    const auto response = client.Get(path);
    EXPECT_EQ(response->status, 503) << path;
    EXPECT_EQ(response->get_header_value("Retry-After"), "5");
  }
  EXPECT_EQ(client.Post(kChatPath, chat_body(), "application/json")->status, 503);
  models.add(std::make_shared<FakeEngine>(hello));
  EXPECT_EQ(client.Get("/ready")->status, 200);
  EXPECT_EQ(client.Post(kChatPath, chat_body(), "application/json")->status, 200);
  server.stop();
}

TEST(server, UnknownRoutesAndMethodsAreErrorObjects) {
  TestServer test;
  const auto unknown = test.client().Get("/v1/embeddings");
  EXPECT_EQ(unknown->status, 404);
  EXPECT_EQ(Json::parse(unknown->body)["error"]["code"], "not_found");
  EXPECT_EQ(test.client().Post("/nothing", "{}", "application/json")->status, 404);
  EXPECT_EQ(test.client().Get("/v1/models/")->status, 404);

  const auto wrong = test.client().Get(kChatPath);
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(wrong->get_header_value("Allow"), "POST, OPTIONS");
  EXPECT_EQ(Json::parse(wrong->body)["error"]["code"], "method_not_allowed");
  EXPECT_EQ(test.client().Delete("/v1/models")->status, 405);
  EXPECT_EQ(test.client().Put("/health", "x", "text/plain")->status, 405);
}

TEST(server, HeadAnswersLikeGetWithoutABody) {
  TestServer test;
  RawClient client(test.server.port());
  client.send("HEAD /health HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_to_close();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 15\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(server, AKeyGuardsEverythingButTheProbes) {
  TestServer test(hello, config_with_key());
  auto client = test.client();
  for (const char* path : {"/health", "/ready", "/load", "/metrics"}) EXPECT_EQ(client.Get(path)->status, 200) << path;
  for (const char* path : {"/v1/models", "/version", "/nothing", kChatPath}) {
    const auto response = client.Get(path);
    EXPECT_EQ(response->status, 401) << path;
    EXPECT_EQ(response->get_header_value("WWW-Authenticate"), "Bearer");
    EXPECT_EQ(Json::parse(response->body)["error"]["code"], "invalid_api_key");
  }
  EXPECT_EQ(client.Post(kChatPath, chat_body(), "application/json")->status, 401);
  EXPECT_EQ(client.Get("/v1/models", {{"Authorization", "Bearer wrong"}})->status, 401);
  EXPECT_EQ(client.Get("/v1/models", {{"Authorization", "Bearer secret%20key"}})->status, 200);
  EXPECT_EQ(client.Get("/v1/models", {{"x-api-key", "secret%20key"}})->status, 200);
  const httplib::Headers key{{"Authorization", "Bearer secret%20key"}};
  EXPECT_EQ(client.Post(kChatPath, key, chat_body(), "application/json")->status, 200);
}

TEST(server, EveryAnswerCarriesARequestId) {
  TestServer test;
  EXPECT_EQ(test.client().Get("/health", {{"x-request-id", "abc"}})->get_header_value("x-request-id"), "abc");
  for (const char* path : {"/health", "/nothing", kChatPath}) {
    EXPECT_THAT(test.client().Get(path)->get_header_value("x-request-id"), MatchesRegex("req_[0-9a-f]{32}")) << path;
  }
  const auto injected = test.client().Get("/health", {{"x-request-id", "a%0d%0aSet-Cookie: b"}});
  EXPECT_FALSE(injected->has_header("Set-Cookie"));
}

TEST(server, BrowsersMayAskFromAnywhere) {
  TestServer test(hello, config_with_key());
  const auto preflight = test.client().Options(kChatPath, {{"Origin", "http://x"},
                                                           {"Access-Control-Request-Method", "POST"},
                                                           {"Access-Control-Request-Headers", "authorization,x-stainless-os"}});
  EXPECT_EQ(preflight->status, 204);
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Headers"), "authorization,x-stainless-os");
  EXPECT_THAT(preflight->get_header_value("Access-Control-Allow-Methods"), HasSubstr("POST"));
  EXPECT_EQ(test.client().Get("/health")->get_header_value("Access-Control-Allow-Origin"), "*");
}

TEST(server, BodiesOverTheLimitAreRefusedWithoutBeingRead) {
  ServerConfig config = small_config();
  config.max_body_bytes = 1000;
  TestServer test(hello, config);
  RawClient client(test.server.port());
  client.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = client.read_until("detail");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr(R"("code":"too_large")"));
  client.close();

  const auto large = test.client().Post(kChatPath, std::string(1'000'000, ' '), "application/json");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->status, 413);
}

TEST(server, BodiesThatUnpackOverTheLimitAreRefused) {
  ServerConfig config = small_config();
  config.max_body_bytes = 100'000;
  TestServer test(hello, config);
  auto client = test.client();
  client.set_compress(true);
  EXPECT_EQ(client.Post(kChatPath, std::string(10'000'000, ' '), "application/json")->status, 413);
  EXPECT_EQ(client.Post(kChatPath, chat_body() + std::string(50'000, ' '), "application/json")->status, 200);
}

TEST(server, ChunkedBodiesAreReadAndLimited) {
  ServerConfig config = small_config();
  config.max_body_bytes = 1000;
  TestServer test(hello, config);
  const auto send_chunked = [&](const std::string& body) {
    return test.client().Post(
        kChatPath,
        [&](size_t offset, httplib::DataSink& sink) {
          if (offset < body.size()) return sink.write(body.data() + offset, std::min<size_t>(100, body.size() - offset));
          sink.done();
          return true;
        },
        "application/json");
  };
  EXPECT_EQ(send_chunked(chat_body())->status, 200);
  EXPECT_EQ(send_chunked(std::string(1001, ' '))->status, 413);
}

TEST(server, TheContentTypeDoesNotMatterUnlessItIsAForm) {
  TestServer test;
  const std::string large = chat_body(R"("user":")" + std::string(20'000, 'x') + "\"");
  EXPECT_EQ(test.client().Post(kChatPath, large, "application/x-www-form-urlencoded")->status, 200);
  EXPECT_EQ(test.client().Post(kChatPath, large, "text/plain")->status, 200);
  const auto form = test.client().Post(kChatPath, large, "multipart/form-data; boundary=x");
  EXPECT_EQ(form->status, 400);
  EXPECT_THAT(form->body, HasSubstr("multipart/form-data"));
}

TEST(server, BadJsonIsABadRequest) {
  TestServer test;
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string(10'000, '['), std::string("\xff"),
        std::string("{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}")}) {
    const auto response = test.client().Post(kChatPath, body, "application/json");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 400);
    EXPECT_EQ(Json::parse(response->body)["error"]["type"], "invalid_request_error");
  }
}

TEST(server, MalformedHttpGetsAnErrorObjectAndTheConnectionsEnd) {
  TestServer test;
  const std::string requests[] = {
      "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n\r\n",
      "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/1.1\r\n" + std::string(40'000, 'a')};
  for (const std::string& request : requests) {
    RawClient client(test.server.port());
    client.send(request);
    const std::string answer = client.read_until("}");
    EXPECT_THAT(answer, MatchesRegex("HTTP/1.1 [45][0-9][0-9] (.|\n|\r)*x-request-id: req_(.|\n|\r)*\\{\"error\":(.|\n|\r)*"));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  }
  for (const char* broken : {"zz\r\n", "5\r\nab", "-1\r\n", "ffffffffffffffffff\r\n", "2\r\n{}x"}) {
    RawClient client(test.server.port());
    client.send(std::string("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") + broken);
    ::shutdown(client.socket(), SHUT_WR);
    EXPECT_THAT(client.read_to_close(), StartsWith("HTTP/1.1 400")) << broken;
  }
  EXPECT_EQ(test.client().Get("/health")->status, 200);
}

TEST(server, RandomBytesDoNotHurt) {
  TestServer test;
  std::mt19937 random(1);
  const std::string valid = raw_chat(R"("stream":true)", "Connection: close\r\n");
  for (int round = 0; round < 150; ++round) {
    std::string bytes = valid;
    for (unsigned i = random() % 8 + 1; i > 0; --i) bytes[random() % bytes.size()] = static_cast<char>(random());
    RawClient client(test.server.port());
    client.send(bytes);
    ::shutdown(client.socket(), SHUT_WR);
    client.read_to_close(milliseconds{1000});
  }
  EXPECT_EQ(test.client().Get("/health")->status, 200);
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

TEST(server, AConnectionServesRequestsInARow) {
  TestServer test;
  RawClient client(test.server.port());
  client.send(raw_chat() + raw_chat() + "GET /health HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.read_until("Hello"), HasSubstr("Keep-Alive: timeout=5"));
  EXPECT_THAT(client.read_until("Hello"), EndsWith("Hello"));
  EXPECT_THAT(client.read_until(R"({"status":"ok"})"), EndsWith(R"({"status":"ok"})"));
}

TEST(server, AnUnreadBodyDoesNotBecomeTheNextRequest) {
  TestServer test;
  RawClient client(test.server.port());
  client.send("GET /health HTTP/1.1\r\nContent-Length: 40\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: y\r\n\r\n12345");
  const std::string answer = client.read_until(R"({"status":"ok"})");
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed(kSoon));
}

TEST(server, AnIdleClientGivesWayToANewOne) {
  ServerConfig config = small_config();
  config.max_connections = 1;
  TestServer test(hello, config);
  RawClient idle(test.server.port());
  idle.send("GET /health HTTP/1.1\r\n\r\n");
  idle.read_until("ok\"}");
  std::this_thread::sleep_for(milliseconds{150});
  EXPECT_EQ(test.client().Get("/v1/models")->status, 200);
  EXPECT_TRUE(idle.is_closed(kSoon));
}

TEST(server, MoreRequestsThanConnectionsAllowedAreToldToComeBack) {
  ServerConfig config = small_config();
  config.max_connections = 1;
  TestServer test(endless, config);
  RawClient busy(test.server.port());
  busy.send(raw_chat(R"("stream":true)"));
  busy.read_until("first");
  const auto refused = test.client().Post(kChatPath, chat_body(), "application/json");
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
  EXPECT_EQ(test.client().Get("/health")->status, 200);
  busy.close();
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

TEST(server, DrainingLetsOpenAnswersFinish) {
  TestServer test([](const ChatRequest&) {
    return Script{{{}, TextDelta{0, "first", {}}}, {{}, ChoiceFinish{}, /*gated=*/true}, {{}, StreamEnd{}}};
  });
  RawClient idle(test.server.port());
  idle.send("GET /health HTTP/1.1\r\n\r\n");
  idle.read_until("ok\"}");
  RawClient open(test.server.port());
  open.send(raw_chat(R"("stream":true)"));
  open.read_until("first");

  std::thread drain([&] { test.server.drain(); });
  EXPECT_TRUE(idle.is_closed(kSoon));
  const auto refused = test.client().Post(kChatPath, chat_body(), "application/json");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "5");
  EXPECT_EQ(test.client().Get("/ready")->status, 503);
  EXPECT_EQ(test.client().Get("/health")->status, 200);
  test.engine.open_gate();
  EXPECT_THAT(open.read_until("\r\n0\r\n\r\n"), HasSubstr("data: [DONE]"));
  drain.join();
  EXPECT_THROW(RawClient{test.server.port()}, std::runtime_error);
}

TEST(server, DrainingEndsWhatLastsTooLong) {
  ServerConfig config = small_config();
  config.drain_timeout = std::chrono::seconds{0};
  TestServer test(endless, config);
  RawClient stream(test.server.port());
  stream.send(raw_chat(R"("stream":true)"));
  stream.read_until("first");
  RawClient answer(test.server.port());
  answer.send(raw_chat());
  EXPECT_TRUE(test.engine.wait_for_open(2, kSoon));
  test.server.drain();
  EXPECT_TRUE(test.engine.wait_for_open(0, milliseconds{0}));
  EXPECT_THAT(stream.read_to_close(), HasSubstr(R"("code":"unavailable")"));
  EXPECT_THAT(answer.read_to_close(), StartsWith("HTTP/1.1 503"));
}

TEST(server, StoppingTwiceOrWithoutAStartIsFine) {
  FakeHost models;
  HttpServer never_started(small_config(), {models});
  never_started.stop();
  TestServer test;
  test.server.stop();
  test.server.stop();
  test.server.drain();
}

TEST(server, AnAddressThatCannotBeHadIsAnError) {
  TestServer test;
  ServerConfig config = small_config();
  config.port = test.server.port();
  const auto message_of = [&](const ServerConfig& bad) -> std::string {
    try {
      HttpServer(bad, {test.models}).start();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(message_of(config), HasSubstr("127.0.0.1, port " + std::to_string(config.port) + ": Address already in use"));
  config.port = 70000;
  EXPECT_THAT(message_of(config), HasSubstr("port 70000"));
  config.port = 0;
  config.host = "256.0.0.1";
  EXPECT_THAT(message_of(config), HasSubstr("256.0.0.1"));
}

TEST(server, EachRequestIsOneLineInTheLog) {
  std::ostringstream log;
  const auto previous = spdlog::default_logger();
  {
    TestServer test;
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
    spdlog::set_pattern("%v");
    test.client().Get("/v1/models?key=hidden", {{"x-request-id", "a1"}});
    test.client().Get("/health");
    test.server.stop();
  }
  spdlog::set_default_logger(previous);
  EXPECT_THAT(log.str(), MatchesRegex("request_id=a1 method=GET path=/v1/models status=200 ms=[0-9.]+\n"));
}

}  // namespace
}  // namespace spyhop::test
