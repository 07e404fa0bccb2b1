#include "common/socket_watch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace spyhop {
namespace {

constexpr std::chrono::milliseconds kPollInterval{50};

uint64_t received_bytes(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

}  // namespace

SocketWatch::SocketWatch(Clock::time_point deadline, uint64_t max_received_bytes)
    : deadline_(deadline), max_received_bytes_(max_received_bytes), thread_([this] { run(); }) {}

SocketWatch::~SocketWatch() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_one();
  thread_.join();
  if (socket_ >= 0) close(socket_);
}

void SocketWatch::watch(int socket) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (socket_ >= 0) close(socket_);
  socket_ = dup(socket);
  if (tripped_) shutdown(socket_, SHUT_RDWR);
}

bool SocketWatch::over_limit() const {
  return Clock::now() >= deadline_ || (socket_ >= 0 && received_bytes(socket_) > max_received_bytes_);
}

void SocketWatch::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopped_ && !over_limit()) {
    stopping_.wait_until(lock, std::min(deadline_, Clock::now() + kPollInterval));
  }
  tripped_ = true;
  if (!stopped_ && socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

}  // namespace spyhop
