// A client that sends and reads bytes as they are.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace spyhop::test {

/// One connection to a port of the loopback interface.
class RawClient {
 public:
  explicit RawClient(int port, int receive_buffer_bytes = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  int socket() const { return socket_; }

  void send(const std::string& bytes) const { (void)!::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  /// Closes so that the server's next read or write fails at once.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

  /// What has come up to and including `end`, taken out of the input; all that came when `end` does not.
  std::string read_until(const std::string& end, std::chrono::milliseconds timeout = std::chrono::milliseconds{2000}) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    size_t found = received_.find(end);
    while (found == std::string::npos && receive(deadline)) found = received_.find(end);
    const size_t size = found == std::string::npos ? received_.size() : found + end.size();
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }

  /// All that comes until the server closes.
  std::string read_to_close(std::chrono::milliseconds timeout = std::chrono::milliseconds{2000}) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (receive(deadline)) {
    }
    return std::exchange(received_, {});
  }

  /// Whether the server has closed within `timeout`, having sent nothing more.
  bool is_closed(std::chrono::milliseconds timeout) {
    pollfd entry{socket_, POLLIN, 0};
    char byte = 0;
    return ::poll(&entry, 1, static_cast<int>(timeout.count())) > 0 && ::recv(socket_, &byte, 1, MSG_PEEK) <= 0;
  }

 private:
  bool receive(std::chrono::steady_clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{socket_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) return false;
    char buffer[4096];
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    received_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  int socket_;
  std::string received_;
};

}  // namespace spyhop::test
