// A server that speaks no HTTP of its own: it sends what a test tells it to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace spyhop {

/// Listens on a free loopback port and hands each connection, once its request has been read, to `script`, one at a time.
class RawServer {
 public:
  /// Sends a piece; false once the client is gone or the test is over.
  using Send = std::function<bool(const std::string& piece)>;

  explicit RawServer(std::function<void(const Send& send)> script) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 4) != 0 || getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no loopback port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script)] { serve(script); });
  }
  ~RawServer() {
    stopped_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  int port() const { return port_; }

 private:
  void serve(const std::function<void(const Send& send)>& script) {
    while (!stopped_) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      // A client that shuts down before it closes leaves a full connection behind, which blocks for minutes.
      const timeval patience{0, 200'000};
      setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
      char buffer[4096];
      if (recv(client, buffer, sizeof(buffer), 0) > 0) {
        script([&](const std::string& piece) {
          return !stopped_ && send(client, piece.data(), piece.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(piece.size());
        });
      }
      close(client);
    }
  }

  int listener_;
  int port_ = 0;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace spyhop
