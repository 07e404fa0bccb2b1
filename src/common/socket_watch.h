// A limit on the time and the traffic of a blocking connection.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace spyhop {

/// Shuts a TCP connection down from a thread of its own once the deadline has passed or the peer has sent too much, whatever
/// the connection's owner is blocked in: a connect, a TLS handshake or a read that goes on byte by byte.
class SocketWatch {
 public:
  using Clock = std::chrono::steady_clock;

  SocketWatch(Clock::time_point deadline, uint64_t max_received_bytes);
  ~SocketWatch();
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;

  /// Starts watching a socket, in place of the one before. Its owner may close it at any time.
  void watch(int socket);

 private:
  void run();
  bool over_limit() const;

  const Clock::time_point deadline_;
  const uint64_t max_received_bytes_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  bool tripped_ = false;
  int socket_ = -1;  // a duplicate, so that it stays this connection after the owner has closed its own
  std::thread thread_;
};

}  // namespace spyhop
