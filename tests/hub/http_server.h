// A small HTTP server whose answers a test makes byte by byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace spyhop::testing {

struct ServerRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// Listens on a free port of 127.0.0.1, which "localhost" names too. Every connection has a thread.
class HttpServer {
 public:
  /// Sends bytes; false once the client is gone or the server stops.
  using Send = std::function<bool(const char* data, size_t size)>;
  /// Answers a request; false closes the connection.
  using Handler = std::function<bool(const ServerRequest& request, const Send& send)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_clients(); });
  }
  ~HttpServer() {
    stopped_ = true;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (const int client : clients_) shutdown(client, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& host = "127.0.0.1") const { return "http://" + host + ":" + std::to_string(port_); }
  bool is_stopped() const { return stopped_; }

 private:
  void accept_clients() {
    while (!stopped_) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      const int on = 1;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      const std::lock_guard<std::mutex> lock(mutex_);
      clients_.insert(client);
      threads_.emplace_back([this, client] { serve(client); });
    }
  }

  void serve(int client) {
    const Send send_bytes = [&](const char* data, size_t size) {
      while (size > 0 && !stopped_) {
        const ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        size -= static_cast<size_t>(sent);
      }
      return !stopped_;
    };
    std::string received;
    while (!stopped_) {
      const size_t end = received.find("\r\n\r\n");
      if (end == std::string::npos) {
        char buffer[4096];
        const ssize_t got = recv(client, buffer, sizeof(buffer), 0);
        if (got <= 0) break;
        received.append(buffer, static_cast<size_t>(got));
        continue;
      }
      const ServerRequest request = parse(received.substr(0, end));
      received.erase(0, end + 4);
      if (!handler_(request, send_bytes)) break;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    clients_.erase(client);
    close(client);
  }

  static ServerRequest parse(const std::string& head) {
    ServerRequest request;
    const size_t first_space = head.find(' ');
    request.method = head.substr(0, first_space);
    request.target = head.substr(first_space + 1, head.find(' ', first_space + 1) - first_space - 1);
    for (size_t begin = head.find("\r\n"); begin != std::string::npos; begin = head.find("\r\n", begin + 2)) {
      const size_t colon = head.find(':', begin + 2);
      if (colon == std::string::npos) break;
      std::string name = head.substr(begin + 2, colon - begin - 2);
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
      const size_t value = head.find_first_not_of(' ', colon + 1);
      request.headers[name] = head.substr(value, head.find("\r\n", value) - value);
    }
    return request;
  }

  const Handler handler_;
  const int listener_;
  int port_ = 0;
  std::atomic<bool> stopped_{false};
  std::thread acceptor_;
  std::mutex mutex_;
  std::set<int> clients_;
  std::vector<std::thread> threads_;
};

}  // namespace spyhop::testing
