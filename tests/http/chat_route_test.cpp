#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/raw_client.h"
#include "support/test_server.h"

namespace spyhop::test {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr milliseconds kSoon{500};

TEST(chat_route, AnswersWithOneObject) {
  TestServer test;
  const auto response = test.client().Post(kChatPath, chat_body(), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->get_header_value("Content-Type"), "application/json");
  const Json json = Json::parse(response->body);
  EXPECT_THAT(json["id"].get<std::string>(), StartsWith("chatcmpl-"));
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], "deepseek-ai/deepseek-vl2-tiny");
  EXPECT_EQ(json["system_fingerprint"], "fp_0123");
  EXPECT_EQ(json["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["total_tokens"], 7);
}

TEST(chat_route, StreamsToTheByte) {
  TestServer test;
  const auto response = test.client().Post(
      kChatPath, chat_body(R"("stream":true,"n":2,"stream_options":{"include_usage":true})"), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->get_header_value("Content-Type"), "text/event-stream");
  EXPECT_EQ(response->get_header_value("Cache-Control"), "no-cache");

  const std::string& body = response->body;
  const Json first = Json::parse(body.substr(6, body.find('\n') - 6));
  const std::string head = "data: {\"id\":" + first["id"].dump() + R"(,"object":"chat.completion.chunk","created":)" +
                           first["created"].dump() +
                           R"(,"model":"deepseek-ai/deepseek-vl2-tiny","system_fingerprint":"fp_0123","choices":[)";
  const std::string tail = "],\"usage\":null}\n\n";
  std::string expected;
  for (const char* index : {"0", "1"}) {
    expected += head + R"({"index":)" + index + R"(,"delta":{"role":"assistant","content":"","refusal":null})" +
                R"(,"logprobs":null,"finish_reason":null})" + tail;
  }
  for (const char* index : {"0", "1"}) {
    for (const char* text : {"Hel", "lo"}) {
      expected += head + R"({"index":)" + index + R"(,"delta":{"content":")" + text +
                  R"("},"logprobs":null,"finish_reason":null})" + tail;
    }
    expected += head + R"({"index":)" + index + R"(,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null})" + tail;
  }
  expected += head + R"(],"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9,"prompt_tokens_details":)" +
              R"({"cached_tokens":0,"text_tokens":5,"image_tokens":0,"audio_tokens":0},"completion_tokens_details":)" +
              R"({"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}})" +
              "\n\ndata: [DONE]\n\n";
  EXPECT_EQ(body, expected);
}

TEST(chat_route, AStreamWithoutUsageHasNoneOfIt) {
  TestServer test;
  const auto response = test.client().Post(kChatPath, chat_body(R"("stream":true)"), "application/json");
  ASSERT_TRUE(response);
  EXPECT_THAT(response->body, Not(HasSubstr("usage")));
  EXPECT_THAT(response->body, EndsWith("data: [DONE]\n\n"));
}

TEST(chat_route, AChunkedStreamEndsWithTheLastChunk) {
  TestServer test;
  RawClient client(test.server.port());
  client.send(raw_chat(R"("stream":true)") + "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_until("\r\n0\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
  EXPECT_THAT(client.read_to_close(), EndsWith(R"({"status":"ok"})"));
}

TEST(chat_route, AnHttp10StreamEndsWithTheConnection) {
  TestServer test;
  const std::string body = chat_body(R"("stream":true)");
  RawClient client(test.server.port());
  client.send("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::string answer = client.read_to_close();
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\ndata: {"));
  EXPECT_THAT(answer, EndsWith("}]}\n\ndata: [DONE]\n\n"));
}

TEST(chat_route, EveryFieldReachesTheEngine) {
  TestServer test;
  const auto response = test.client().Post(
      kChatPath, httplib::Headers{{"x-request-id", "mine"}},
      chat_body(R"("model":"deepseek-ai/deepseek-vl2-tiny","max_tokens":7,"temperature":0.5,"stop":["x"],"n":2)"),
      "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  const ChatRequest request = test.engine.last_request();
  EXPECT_EQ(request.request_id, "mine");
  EXPECT_EQ(request.model, "deepseek-ai/deepseek-vl2-tiny");
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_EQ(request.sampling.temperature, 0.5);
  EXPECT_EQ(request.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(request.n, 2);
  EXPECT_EQ(Json::parse(response->body)["choices"].size(), 2U);
}

TEST(chat_route, AModelThatIsNotServedIsNotFound) {
  TestServer test;
  const auto response = test.client().Post(kChatPath, chat_body(R"("model":"gpt-4o")"), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  const Json error = Json::parse(response->body)["error"];
  EXPECT_EQ(error["code"], "model_not_found");
  EXPECT_EQ(error["param"], "model");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("deepseek-vl2-tiny"));
}

TEST(chat_route, ABadFieldIsNamed) {
  TestServer test;
  const auto response = test.client().Post(kChatPath, chat_body(R"("temperature":3)"), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(response->get_header_value("x-should-retry"), "false");
  const Json json = Json::parse(response->body);
  EXPECT_EQ(json["error"]["param"], "temperature");
  EXPECT_EQ(json["error"]["type"], "invalid_request_error");
  EXPECT_EQ(json["detail"], json["error"]["message"]);
}

struct SubmitFailure {
  ErrorCode code;
  int status;
  const char* retry_after;
};

class chat_route_submit : public ::testing::TestWithParam<SubmitFailure> {};

TEST_P(chat_route_submit, FailuresAreStatusesEvenForStreams) {
  TestServer test([](const ChatRequest&) -> Script { throw Error(GetParam().code, "no", "messages[0].content[1].image_url"); });
  for (const char* fields : {"", R"("stream":true)"}) {
    const auto response = test.client().Post(kChatPath, chat_body(fields), "application/json");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, GetParam().status);
    EXPECT_EQ(response->get_header_value("Retry-After"), GetParam().retry_after);
    EXPECT_EQ(response->get_header_value("Content-Type"), "application/json");
    EXPECT_EQ(Json::parse(response->body)["error"]["param"], "messages[0].content[1].image_url");
  }
}

INSTANTIATE_TEST_SUITE_P(
    codes, chat_route_submit,
    ::testing::Values(SubmitFailure{ErrorCode::kInvalidRequest, 400, ""},
                      SubmitFailure{ErrorCode::kContextLengthExceeded, 400, ""}, SubmitFailure{ErrorCode::kForbidden, 403, ""},
                      SubmitFailure{ErrorCode::kTooLarge, 413, ""}, SubmitFailure{ErrorCode::kOverloaded, 429, "1"},
                      SubmitFailure{ErrorCode::kInternal, 500, ""}, SubmitFailure{ErrorCode::kUnavailable, 503, "5"}));

TEST(chat_route, AFullQueueTellsByItsOwnEstimateWhenToComeBack) {
  TestServer test([](const ChatRequest&) -> Script { throw Error(ErrorCode::kOverloaded, "full").retry_after(17); });
  for (const char* fields : {"", R"("stream":true)"}) {
    const auto response = test.client().Post(kChatPath, chat_body(fields), "application/json");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 429);
    EXPECT_EQ(response->get_header_value("Retry-After"), "17");
    EXPECT_FALSE(response->has_header("x-should-retry"));
  }
}

TEST(chat_route, ARequestWhoseTimeIsOverIsAGatewayTimeout) {
  TestServer test([](const ChatRequest&) -> Script {
    return {{{}, TextDelta{0, "half", {}}}, {{}, StreamError{ErrorCode::kTimeout, "the request's time of 1.5 s is over"}}};
  });
  const auto whole = test.client().Post(kChatPath, chat_body(R"("timeout":1.5)"), "application/json");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->status, 504);
  EXPECT_EQ(whole->get_header_value("x-should-retry"), "false");
  EXPECT_EQ(Json::parse(whole->body)["error"]["code"], "timeout");
  EXPECT_EQ(test.engine.last_request().timeout_ms, 1500);

  const auto stream = test.client().Post(kChatPath, chat_body(R"("timeout":1.5,"stream":true)"), "application/json");
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->status, 200);
  EXPECT_THAT(stream->body, EndsWith("data: {\"error\":{\"message\":\"the request's time of 1.5 s is over\","
                                     "\"type\":\"server_error\",\"param\":null,\"code\":\"timeout\"}}\n\n"));
}

Script timed(const ChatRequest&) {
  Usage usage;
  usage.completion_tokens = 4;
  Timings timings;
  timings.queue_ms = 7.5;
  timings.first_token_ms = 100;
  timings.generation_ms = 300;
  timings.mean_gap_ms = 100;
  return {{{}, TextDelta{0, "text", {}}}, {{}, ChoiceFinish{}}, {{}, StreamEnd{usage, timings}}};
}

const char* const kTimedMetrics = R"("metrics":{"time_to_first_token_ms":100.0,"generation_time_ms":300.0,"queue_time_ms":7.5,)"
                                  R"("mean_itl_ms":100.0,"tokens_per_second":10.0}})";

TEST(chat_route, AnAnswerCarriesItsTimesWhereAskedFor) {
  TestServer test(timed);
  const auto with = test.client().Post(kChatPath, chat_body(R"("include_metrics":true)"), "application/json");
  ASSERT_TRUE(with);
  EXPECT_THAT(with->body, EndsWith(kTimedMetrics));
  const auto without = test.client().Post(kChatPath, chat_body(), "application/json");
  ASSERT_TRUE(without);
  EXPECT_THAT(without->body, Not(HasSubstr("metrics")));
}

TEST(chat_route, AStreamCarriesItsTimesInTheLastChunk) {
  TestServer test(timed);
  const std::string end = std::string(kTimedMetrics) + "\n\ndata: [DONE]\n\n";
  const auto alone = test.client().Post(kChatPath, chat_body(R"("stream":true,"include_metrics":true)"), "application/json");
  ASSERT_TRUE(alone);
  EXPECT_THAT(alone->body, EndsWith(R"("choices":[],)" + end));
  const auto with_usage = test.client().Post(
      kChatPath, chat_body(R"("stream":true,"include_metrics":true,"stream_options":{"include_usage":true})"),
      "application/json");
  ASSERT_TRUE(with_usage);
  EXPECT_THAT(with_usage->body, EndsWith(R"("rejected_prediction_tokens":0}},)" + end));
}

TEST(chat_route, ADefectTellsTheClientNothingButTheRequestId) {
  TestServer test([](const ChatRequest&) -> Script { throw std::runtime_error("/secret/path"); });
  const auto response =
      test.client().Post(kChatPath, httplib::Headers{{"x-request-id", "mine"}}, chat_body(), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_THAT(response->body, Not(HasSubstr("secret")));
  EXPECT_THAT(response->body, HasSubstr("mine"));
}

Script failing(const ChatRequest&) {
  return {{{}, TextDelta{0, "half", {}}}, {{}, StreamError{ErrorCode::kInternal, "step failed"}}};
}

TEST(chat_route, AFailureInTheMiddleOfAnAnswerIsAStatus) {
  TestServer test(failing);
  const auto response = test.client().Post(kChatPath, chat_body(), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(Json::parse(response->body)["error"]["message"], "step failed");
}

TEST(chat_route, AFailureInTheMiddleOfAStreamIsAnErrorEvent) {
  TestServer test(failing);
  const auto response = test.client().Post(kChatPath, chat_body(R"("stream":true)"), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(response->body, HasSubstr("half"));
  EXPECT_THAT(response->body, EndsWith("data: {\"error\":{\"message\":\"step failed\",\"type\":\"server_error\",\"param\":null,"
                                       "\"code\":\"internal_error\"}}\n\n"));
}

TEST(chat_route, AnEventOfAnUnknownChoiceIsAnErrorNotACrash) {
  TestServer test([](const ChatRequest&) -> Script { return {{{}, TextDelta{5, "x", {}}}}; });
  const auto response = test.client().Post(kChatPath, chat_body(), "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
}

TEST(chat_route, ALeavingReaderOfAStreamIsCancelled) {
  TestServer test(endless);
  RawClient client(test.server.port());
  client.send(raw_chat(R"("stream":true)"));
  EXPECT_THAT(client.read_until("first"), EndsWith("first"));
  EXPECT_TRUE(test.engine.wait_for_open(1, kSoon));
  client.close();
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

TEST(chat_route, ALeavingWaiterForAnAnswerIsCancelled) {
  TestServer test(endless);
  RawClient client(test.server.port());
  client.send(raw_chat());
  EXPECT_TRUE(test.engine.wait_for_open(1, kSoon));
  client.close();
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

TEST(chat_route, AConnectionResetCancelsToo) {
  TestServer test(endless);
  for (const char* fields : {"", R"("stream":true)"}) {
    RawClient client(test.server.port());
    client.send(raw_chat(fields));
    EXPECT_TRUE(test.engine.wait_for_open(1, kSoon));
    client.reset();
    EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
  }
}

TEST(chat_route, AWaiterIsCancelledWhileEventsFlow) {
  TestServer test([](const ChatRequest&) { return Script(1000, Step{milliseconds{2}, TextDelta{0, "x", {}}}); });
  RawClient client(test.server.port());
  client.send(raw_chat());
  EXPECT_TRUE(test.engine.wait_for_open(1, kSoon));
  client.close();
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

TEST(chat_route, AClientThatLeftDuringSubmitIsCancelledAtOnce) {
  TestServer test([](const ChatRequest& request) {
    std::this_thread::sleep_for(milliseconds{100});
    return endless(request);
  });
  {
    RawClient client(test.server.port());
    client.send(raw_chat());
  }
  EXPECT_TRUE(test.engine.wait_for_requests(1, kSoon));
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

TEST(chat_route, AnEmptyDeltaIsNotSent) {
  TestServer test([](const ChatRequest&) {
    return Script{{{}, TextDelta{0, "", {}}}, {{}, ChoiceFinish{0, FinishReason::kLength}}, {{}, StreamEnd{}}};
  });
  const auto response = test.client().Post(kChatPath, chat_body(R"("stream":true)"), "application/json");
  ASSERT_TRUE(response);
  EXPECT_THAT(response->body, Not(HasSubstr(R"("delta":{"content":""})")));
  EXPECT_THAT(response->body, HasSubstr(R"("finish_reason":"length")"));
}

TEST(chat_route, ASlowReaderGetsEverything) {
  const std::string text(4000, 'x');
  constexpr size_t kEvents = 500;
  TestServer test([&](const ChatRequest&) {
    Script script(kEvents, Step{{}, TextDelta{0, text, {}}});
    script.push_back({{}, ChoiceFinish{}});
    script.push_back({{}, StreamEnd{}});
    return script;
  });
  RawClient client(test.server.port(), /*receive_buffer_bytes=*/4096);
  client.send(raw_chat(R"("stream":true)", "Connection: close\r\n"));
  std::this_thread::sleep_for(milliseconds{200});
  const std::string answer = client.read_to_close(milliseconds{5000});
  size_t num_events = 0;
  for (size_t at = answer.find(text); at != std::string::npos; at = answer.find(text, at + text.size())) ++num_events;
  EXPECT_EQ(num_events, kEvents);
  EXPECT_THAT(answer.substr(answer.size() - 30), HasSubstr("data: [DONE]"));
}

TEST(chat_route, AReaderThatStopsIsCancelledAndHoldsUpNobody) {
  ServerConfig config = small_config();
  config.write_timeout = milliseconds{200};
  TestServer test(
      [](const ChatRequest& request) {
        if (request.request_id != "stuck") return hello(request);
        return Script(2000, Step{{}, TextDelta{0, std::string(4000, 'x'), {}}});
      },
      config);
  RawClient stuck(test.server.port(), /*receive_buffer_bytes=*/4096);
  stuck.send(raw_chat(R"("stream":true)", "x-request-id: stuck\r\n"));
  EXPECT_TRUE(test.engine.wait_for_open(1, kSoon));
  EXPECT_EQ(test.client().Post(kChatPath, chat_body(R"("stream":true)"), "application/json")->status, 200);
  EXPECT_TRUE(test.engine.wait_for_open(0, milliseconds{5000}));
  EXPECT_THAT(stuck.read_to_close(milliseconds{5000}), Not(HasSubstr("[DONE]")));
}

TEST(chat_route, ManyStreamsRunSideBySide) {
  constexpr int kStreams = 32;
  TestServer test(
      [](const ChatRequest& request) {
        Script script(20, Step{milliseconds{5}, TextDelta{0, request.request_id + ";", {}}});
        script.push_back({{}, ChoiceFinish{}});
        script.push_back({{}, StreamEnd{}});
        return script;
      },
      [] {
        ServerConfig config = small_config();
        config.max_connections = kStreams;
        return config;
      }());
  std::vector<std::thread> clients;
  std::atomic<int> num_whole{0};
  for (int i = 0; i < kStreams; ++i) {
    clients.emplace_back([&, id = "stream-" + std::to_string(i) + "."] {
      const auto response = test.client().Post(kChatPath, httplib::Headers{{"x-request-id", id}}, chat_body(R"("stream":true)"),
                                               "application/json");
      if (!response || response->status != 200) return;
      size_t pieces = 0;
      for (size_t at = response->body.find(id); at != std::string::npos; at = response->body.find(id, at + 1)) ++pieces;
      if (pieces == 20 && response->body.find("[DONE]") != std::string::npos) ++num_whole;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(num_whole, kStreams);
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
}

}  // namespace
}  // namespace spyhop::test
