// An HttpServer on a free port, in front of a fake engine.
#pragma once

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/metrics.h"
#include "http/server.h"
#include "support/fake_engine.h"
#include "support/fake_host.h"
#include "support/fake_pictures.h"

namespace spyhop::test {

/// "Hello", in two pieces, then the end.
inline Script hello(const ChatRequest& request) {
  Script script;
  for (int choice = 0; choice < request.n; ++choice) {
    script.push_back({{}, TextDelta{choice, "Hel", {}}});
    script.push_back({{}, TextDelta{choice, "lo", {}}});
    script.push_back({{}, ChoiceFinish{choice, FinishReason::kStop}});
  }
  Usage usage;
  usage.prompt_tokens = 5;
  usage.completion_tokens = 2 * request.n;
  script.push_back({{}, StreamEnd{usage}});
  return script;
}

/// One piece of text, then silence for as long as anyone listens.
inline Script endless(const ChatRequest&) {
  return {{{}, TextDelta{0, "first", {}}}};
}

inline ServerConfig small_config() {
  ServerConfig config;
  config.port = 0;
  config.max_connections = 16;
  return config;
}

struct TestServer {
  explicit TestServer(std::function<Script(const ChatRequest&)> script = hello, const ServerConfig& config = small_config())
      : shared_engine(std::make_shared<FakeEngine>(std::move(script))),
        engine(*shared_engine),
        models(shared_engine),
        server(config, {models, &metrics, nullptr, &pictures}) {
    spdlog::set_level(spdlog::level::off);
    server.start();
  }

  httplib::Client client() const {
    httplib::Client client("127.0.0.1", server.port());
    client.set_tcp_nodelay(true);
    return client;
  }

  Metrics metrics;
  std::shared_ptr<FakeEngine> shared_engine;
  FakeEngine& engine;
  FakeHost models;
  FakePictures pictures;
  HttpServer server;
};

constexpr const char* kChatPath = "/v1/chat/completions";

/// The body of a request with one message and the further `fields`.
inline std::string chat_body(const std::string& fields = "") {
  return R"({"messages":[{"role":"user","content":"hi"}])" + (fields.empty() ? "" : "," + fields) + "}";
}

/// The bytes of a request with that body.
inline std::string raw_chat(const std::string& fields = "", const std::string& headers = "") {
  const std::string body = chat_body(fields);
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + headers +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace spyhop::test
