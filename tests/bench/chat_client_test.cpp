#include "bench/chat_client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "fake_server.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using namespace std::chrono_literals;

bool never() {
  return false;
}

ChatClientOptions options_for(const FakeServer& server) {
  ChatClientOptions options;
  options.base_url = server.url();
  return options;
}

std::shared_ptr<const std::string> body(const std::string& json = R"({"max_tokens": 3, "messages": []})") {
  return std::make_shared<const std::string>(json);
}

/// What a client makes of the only answer that a server gives.
StreamedAnswer ask(const FakeServer::Answer& script, std::chrono::milliseconds timeout = 10s) {
  FakeServer server(script);
  ChatClientOptions options = options_for(server);
  options.request_timeout = timeout;
  return ChatClient(options).ask(body(), never);
}

StreamedAnswer ask_raw(const std::string& bytes) {
  return ask([&](const FakeRequest&, const FakeSend& send) {
    send(bytes);
    return false;
  });
}

TEST(chat_client, GathersTextTimesAndUsageOfAStream) {
  const StreamedAnswer answer = ask([](const FakeRequest&, const FakeSend& send) {
    send(kStreamHead);
    send(event({{"choices", {{{"delta", {{"role", "assistant"}, {"content", ""}}}}}}}));
    std::this_thread::sleep_for(40ms);
    send(text_event("Hel"));
    std::this_thread::sleep_for(80ms);
    send(text_event("lo"));
    return send(finish_event("stop") + usage_event(9, 3, 4) + kStreamEnd);
  });
  EXPECT_FALSE(answer.fault);
  EXPECT_EQ(answer.text, "Hello");
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.prompt_tokens, 9);
  EXPECT_EQ(answer.completion_tokens, 3);
  EXPECT_EQ(answer.cached_tokens, 4);
  ASSERT_EQ(answer.text_times.size(), 2u);
  // The chunk that only tells the role is no token.
  EXPECT_GE(answer.ttft_seconds(), 0.04);
  EXPECT_GE(answer.text_times[1] - answer.text_times[0], 60ms);
  EXPECT_GE(answer.e2e_seconds(), 0.12);
  EXPECT_NEAR(*answer.tpot_seconds(), (answer.e2e_seconds() - answer.ttft_seconds()) / 2, 1e-9);
}

TEST(chat_client, ReadsAStreamThatComesByteByByte) {
  const StreamedAnswer answer = ask([](const FakeRequest&, const FakeSend& send) {
    const std::string bytes = kStreamHead + text_event("\xE9\xAF\xA8") + text_event("!") + finish_event() + kStreamEnd;
    for (const char byte : bytes) send(std::string(1, byte));
    return true;
  });
  EXPECT_FALSE(answer.fault);
  EXPECT_EQ(answer.text, "\xE9\xAF\xA8!");
  EXPECT_EQ(answer.num_output_tokens(), 2u) << "without usage, chunks are counted";
}

TEST(chat_client, ReadsTextCompletionsAndReasoning) {
  const StreamedAnswer answer =
      ask_raw(kStreamHead + event({{"choices", {{{"text", "a"}}}}}) +
              event({{"choices", {{{"delta", {{"reasoning_content", "b"}}}}}}}) + finish_event() + kStreamEnd);
  EXPECT_FALSE(answer.fault);
  EXPECT_EQ(answer.text, "ab");
}

TEST(chat_client, SendsKeyPathAndBody) {
  FakeRequest seen;
  FakeServer server([&](const FakeRequest& request, const FakeSend& send) {
    seen = request;
    return answer_at_once(request, send);
  });
  ChatClientOptions options;
  options.base_url = server.url() + "/prefix/v1/";
  options.api_key = "secret";
  ChatClient client(options);
  EXPECT_FALSE(client.ask(body(), never).fault);
  EXPECT_EQ(seen.path, "/prefix/v1/chat/completions");
  EXPECT_NE(seen.head.find("Authorization: Bearer secret\r\n"), std::string::npos);
  EXPECT_NE(seen.head.find("Content-Type: application/json"), std::string::npos);
  EXPECT_EQ(seen.body["max_tokens"], 3);
}

TEST(chat_client, NamesTheFirstModel) {
  FakeServer server(answer_at_once);
  EXPECT_EQ(ChatClient(options_for(server)).first_model(), "fake");
}

TEST(chat_client, AListWithoutModelsIsAnError) {
  for (const std::string& answer : {error_answer(401, "no"), json_answer({{"data", nlohmann::json::array()}}),
                                    json_answer("text"), std::string("nonsense\r\n")}) {
    FakeServer server([&](const FakeRequest&, const FakeSend& send) { return send(answer); });
    ChatClient client(options_for(server));
    EXPECT_THROW(client.first_model(), Error);
  }
}

TEST(chat_client, ErrorsAreToldApart) {
  const std::pair<std::string, std::string> cases[] = {
      {error_answer(429, "the queue is full"), "http_429: \"the queue is full\""},
      {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops", "http_502: \"oops\""},
      {kStreamHead + text_event("a") + event({{"error", {{"message", "lost"}}}}) + kStreamEnd, "stream_error: \"lost\""},
      {kStreamHead + text_event("a"), "disconnected: closed by the server"},
      {kStreamHead + text_event("a") + kStreamEnd, "incomplete: the stream ended without a finish reason"},
      {kStreamHead + http_chunk("data: {nonsense\n\n"), "malformed: an event of the stream is no JSON object: \"{nonsense\""},
      {kStreamHead + http_chunk("data: 5\n\n"), "malformed: an event of the stream is no JSON object: \"5\""},
      {"nonsense\r\n", "malformed: no HTTP/1.1 answer but \"nonsense\""},
      {"", "disconnected: closed by the server"},
  };
  for (const auto& [bytes, expected] : cases) {
    const StreamedAnswer answer = ask_raw(bytes);
    ASSERT_TRUE(answer.fault) << expected;
    EXPECT_EQ(answer.fault->kind + ": " + answer.fault->message, expected);
  }
}

TEST(chat_client, AnAnswerThatIsNoStreamIsIncomplete) {
  const StreamedAnswer answer = ask_raw(json_answer({{"choices", {{{"message", {{"content", "x"}}}}}}}));
  ASSERT_TRUE(answer.fault);
  EXPECT_EQ(answer.fault->kind, "incomplete");
  EXPECT_NE(answer.fault->message.find("no event stream but"), std::string::npos);
}

TEST(chat_client, OddValuesInAStreamAreNoReasonToFail) {
  const StreamedAnswer answer =
      ask_raw(kStreamHead + event({{"choices", 5}}) + event({{"choices", {5}}}) + event({{"choices", {{{"delta", 1}}}}}) +
              event({{"usage", {{"prompt_tokens", -1}, {"completion_tokens", "x"}, {"prompt_tokens_details", 3}}}}) +
              text_event("a") + finish_event() + kStreamEnd);
  EXPECT_FALSE(answer.fault);
  EXPECT_FALSE(answer.prompt_tokens);
}

TEST(chat_client, AnAnswerThatStopsComingTimesOut) {
  const StreamedAnswer answer = ask(
      [](const FakeRequest&, const FakeSend& send) {
        send(kStreamHead + text_event("a"));
        std::this_thread::sleep_for(600ms);
        return false;
      },
      200ms);
  ASSERT_TRUE(answer.fault);
  EXPECT_EQ(answer.fault->kind, "timeout");
  EXPECT_EQ(answer.text, "a");
}

TEST(chat_client, StoppingCancelsTheRequest) {
  FakeServer server([](const FakeRequest&, const FakeSend& send) {
    send(kStreamHead);
    std::this_thread::sleep_for(300ms);
    return false;
  });
  ChatClient client(options_for(server));
  const StreamedAnswer answer = client.ask(body(), [] { return true; });
  ASSERT_TRUE(answer.fault);
  EXPECT_EQ(answer.fault->kind, "cancelled");
  EXPECT_EQ(client.num_active(), 0u);
}

TEST(chat_client, ConnectionsAreUsedAgainAndReplacedWhenTheServerCloses) {
  FakeServer server([](const FakeRequest& request, const FakeSend& send) {
    answer_at_once(request, send);
    return request.number != 2;  // closes after the third answer, which did not say so
  });
  ChatClient client(options_for(server));
  for (int i = 0; i < 6; ++i) {
    EXPECT_FALSE(client.ask(body(), never).fault) << i;
    if (i == 2) std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(server.num_requests(), 6u);
  EXPECT_EQ(server.num_connections(), 2u);
}

TEST(chat_client, ARefusalOfALargeBodyIsReadThoughTheServerClosesWhileItIsSent) {
  // Larger than the sockets' buffers, so that the client still writes when the answer comes.
  const auto refuse = [](const FakeRequest&, const FakeSend& send) {
    send(error_answer(413, "too large"));
    std::this_thread::sleep_for(100ms);
    return false;
  };
  FakeServer server(refuse, /*reads_bodies=*/false);
  ChatClient client(options_for(server));
  const StreamedAnswer answer = client.ask(body("{\"messages\": \"" + std::string(8 << 20, 'x') + "\"}"), never);
  ASSERT_TRUE(answer.fault);
  EXPECT_EQ(answer.fault->kind, "http_413");
}

TEST(chat_client, ManyStreamsRunAtOnce) {
  constexpr int kNumStreams = 256;
  std::atomic<int> num_here{0};
  FakeServer server([&](const FakeRequest& request, const FakeSend& send) {
    ++num_here;
    for (int i = 0; i < 500 && num_here < kNumStreams; ++i) std::this_thread::sleep_for(10ms);  // until all are here
    return answer_at_once(request, send);
  });
  ChatClient client(options_for(server));
  int num_complete = 0, num_texts = 0;
  for (int i = 0; i < kNumStreams; ++i) {
    client.start(
        body(), [&](const StreamedAnswer& answer) { num_complete += answer.fault ? 0 : 1; }, [&](TimePoint) { ++num_texts; });
  }
  while (client.num_active() > 0) client.poll(BenchClock::now() + 1s);
  EXPECT_EQ(num_complete, kNumStreams);
  EXPECT_GE(num_texts, kNumStreams);
  EXPECT_EQ(num_here, kNumStreams);
}

TEST(chat_client, UnusableAddressesAreToldAtOnce) {
  for (const char* url : {"https://127.0.0.1", "ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://127.0.0.1:1"}) {
    ChatClientOptions options;
    options.base_url = url;
    EXPECT_THROW(ChatClient client(options), Error) << url;
  }
  ChatClientOptions options;
  options.api_key = "two words";
  EXPECT_THROW(ChatClient client(options), Error);
}

TEST(chat_client, AServerThatHasGoneGivesAConnectError) {
  auto server = std::make_unique<FakeServer>(answer_at_once);
  ChatClient client(options_for(*server));
  server.reset();
  const StreamedAnswer answer = client.ask(body(), never);
  ASSERT_TRUE(answer.fault);
  EXPECT_EQ(answer.fault->kind, "connect");
}

}  // namespace
}  // namespace spyhop
