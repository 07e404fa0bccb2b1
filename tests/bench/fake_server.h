// A server that answers as a test tells it to, on many connections at once.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace spyhop {

struct FakeRequest {
  std::string head;
  std::string path;
  nlohmann::json body;
  size_t number = 0;  // of all requests to the server, from 0
};

/// Sends a piece; false once the client is gone.
using FakeSend = std::function<bool(const std::string& piece)>;

/// Listens on a free loopback port and calls `answer` for each request, on a thread per connection. The connection is kept
/// while `answer` returns true.
class FakeServer {
 public:
  using Answer = std::function<bool(const FakeRequest& request, const FakeSend& send)>;

  /// Without `reads_bodies`, requests are answered once their head has come.
  explicit FakeServer(Answer answer, bool reads_bodies = true)
      : answer_(std::move(answer)), reads_bodies_(reads_bodies), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 128) != 0 || getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~FakeServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (const int client : clients_) shutdown(client, SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    for (const int client : clients_) close(client);
    close(listener_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  size_t num_requests() const { return num_requests_; }
  size_t num_connections() const { return num_connections_; }

 private:
  void accept_all() {
    for (;;) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      const int on = 1;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      clients_.push_back(client);
      threads_.emplace_back([this, client] { serve(client); });
    }
  }

  void serve(int client) {
    std::string bytes;
    const auto send_piece = [client](const std::string& piece) {
      return send(client, piece.data(), piece.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(piece.size());
    };
    bool counted = false;
    for (;;) {
      FakeRequest request;
      if (!read_request(client, bytes, request)) break;
      if (!counted) ++num_connections_;
      counted = true;
      request.number = num_requests_++;
      if (!answer_(request, send_piece)) break;
    }
    shutdown(client, SHUT_RDWR);
  }

  static bool read_more(int client, std::string& bytes) {
    char buffer[16384];
    const ssize_t size = recv(client, buffer, sizeof(buffer), 0);
    if (size > 0) bytes.append(buffer, static_cast<size_t>(size));
    return size > 0;
  }

  bool read_request(int client, std::string& bytes, FakeRequest& request) const {
    size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more(client, bytes)) return false;
    }
    request.head = bytes.substr(0, end);
    request.path = request.head.substr(request.head.find(' ') + 1);
    request.path = request.path.substr(0, request.path.find(' '));
    bytes.erase(0, end + 4);
    if (!reads_bodies_) return true;
    const size_t length_at = request.head.find("Content-Length: ");
    const size_t length = length_at == std::string::npos ? 0 : std::stoul(request.head.substr(length_at + 16));
    while (bytes.size() < length) {
      if (!read_more(client, bytes)) return false;
    }
    if (length > 0) request.body = nlohmann::json::parse(bytes.substr(0, length));
    bytes.erase(0, length);
    return true;
  }

  Answer answer_;
  bool reads_bodies_;
  int listener_;
  int port_ = 0;
  std::atomic<size_t> num_requests_{0};
  std::atomic<size_t> num_connections_{0};
  std::vector<int> clients_;  // touched by the acceptor alone, until it has ended
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

inline std::string http_chunk(const std::string& data) {
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", data.size());
  return size + data + "\r\n";
}

inline const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
inline const std::string kStreamEnd = http_chunk("data: [DONE]\n\n") + "0\r\n\r\n";

inline std::string event(const nlohmann::json& json) {
  return http_chunk("data: " + json.dump() + "\n\n");
}

inline std::string text_event(const std::string& text) {
  return event({{"choices", {{{"index", 0}, {"delta", {{"content", text}}}, {"finish_reason", nullptr}}}}, {"usage", nullptr}});
}

inline std::string finish_event(const std::string& reason = "length") {
  return event({{"choices", {{{"index", 0}, {"delta", nlohmann::json::object()}, {"finish_reason", reason}}}}});
}

inline std::string usage_event(int prompt_tokens, int completion_tokens, int cached_tokens = 0) {
  return event({{"choices", nlohmann::json::array()},
                {"usage",
                 {{"prompt_tokens", prompt_tokens},
                  {"completion_tokens", completion_tokens},
                  {"prompt_tokens_details", {{"cached_tokens", cached_tokens}}}}}});
}

inline std::string error_answer(int status, const std::string& message) {
  const std::string body = nlohmann::json{{"error", {{"message", message}}}}.dump();
  return "HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

inline std::string json_answer(const nlohmann::json& json) {
  const std::string body = json.dump();
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Words in all contents of a request's messages; each is a token to the fake server.
inline int count_words(const nlohmann::json& body) {
  int count = 0;
  for (const auto& message : body["messages"]) {
    const auto count_text = [&](const std::string& text) {
      if (!text.empty()) ++count;
      for (const char c : text) count += c == ' ' ? 1 : 0;
    };
    if (message["content"].is_string()) count_text(message["content"]);
    if (!message["content"].is_array()) continue;
    for (const auto& part : message["content"]) {
      if (part.contains("text")) count_text(part["text"]);
    }
  }
  return count;
}

/// Answers with so many words as tokens are asked for, all at once, and true usage: 7 tokens more than words, as of a template.
inline bool answer_at_once(const FakeRequest& request, const FakeSend& send) {
  if (request.path == "/v1/models") return send(json_answer({{"data", {{{"id", "fake"}}}}}));
  const int num_tokens = request.body["max_tokens"];
  std::string answer = kStreamHead;
  for (int i = 0; i < num_tokens; ++i) answer += text_event("w" + std::to_string(i) + " ");
  return send(answer + finish_event() + usage_event(count_words(request.body) + 7, num_tokens) + kStreamEnd);
}

}  // namespace spyhop
