// A client of an OpenAI-compatible server, for many streams at once.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "bench/endpoint.h"
#include "bench/exchange_loop.h"
#include "bench/streamed_answer.h"

namespace spyhop {

struct ChatClientOptions {
  std::string base_url = "http://127.0.0.1:9997";
  std::string api_key;                                 // empty = none
  std::string path = "/v1/chat/completions";           // or "/v1/completions"
  std::chrono::milliseconds request_timeout{600'000};  // for one whole answer
  std::chrono::milliseconds connect_timeout{5000};     // for the first connection, which only tries
};

/// One thread.
class ChatClient {
 public:
  using OnAnswer = std::function<void(StreamedAnswer answer)>;
  using OnText = std::function<void(TimePoint arrival)>;

  /// Throws what Endpoint and ExchangeLoop throw.
  explicit ChatClient(const ChatClientOptions& options);

  /// The only, or the first, model of the server's list. Throws Error{kUnavailable} when there is no list or nothing in it.
  std::string first_model();

  /// Sends a request and calls `on_answer` once, from within start(), poll() or cancel_all(), whatever becomes of it; the call
  /// must not use the client. `body`: a JSON object with "stream": true. `on_text`, which may be empty, hears of text that has
  /// come, under the same rule.
  void start(std::shared_ptr<const std::string> body, OnAnswer on_answer, OnText on_text = {});
  size_t num_active() const { return loop_.num_active(); }

  /// Handles what has come, and waits for it until `until` at most.
  void poll(TimePoint until) { loop_.poll(until); }

  /// All that is not answered yet fails with the kind "cancelled".
  void cancel_all() { loop_.cancel_all(); }

  /// Sends one request and waits for its answer. `should_stop` is asked several times a second; then it fails as "cancelled".
  StreamedAnswer ask(std::shared_ptr<const std::string> body, const std::function<bool()>& should_stop);

  const std::string& url() const { return endpoint_.url(); }

 private:
  const ChatClientOptions options_;
  Endpoint endpoint_;
  ExchangeLoop loop_;
};

}  // namespace spyhop
