#include "bench/exchange_loop.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxEvents = 128;
constexpr milliseconds kTimeoutCheckInterval{100};

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

ExchangeLoop::ExchangeLoop(const Endpoint& endpoint) : endpoint_(endpoint), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw Error(ErrorCode::kInternal, std::string("epoll: ") + std::strerror(errno));
  raise_file_limit();
}

ExchangeLoop::~ExchangeLoop() {
  for (const auto& [id, connection] : connections_) ::close(connection.fd);
  ::close(epoll_);
}

void ExchangeLoop::start(Exchange exchange) {
  ++num_active_;
  if (idle_.empty()) return open(std::move(exchange));
  const uint64_t id = idle_.back();
  idle_.pop_back();
  connections_.at(id).is_reused = true;
  assign(id, std::move(exchange));
}

void ExchangeLoop::assign(uint64_t id, Exchange exchange) {
  Connection& connection = connections_.at(id);
  connection.exchange = std::move(exchange);
  connection.reader = HttpReader();
  connection.num_sent = 0;
  connection.has_answer_bytes = false;
  if (connection.is_connected) send_rest(id);
}

void ExchangeLoop::open(Exchange exchange) {
  const uint64_t id = next_id_++;
  Connection& connection = connections_[id];
  connection.exchange = std::move(exchange);
  connection.fd = socket(endpoint_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = connection.fd < 0 ? errno : 0;
  if (error == 0) {
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(connection.fd, endpoint_.address(), endpoint_.address_size()) != 0 && errno != EINPROGRESS) error = errno;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u64 = id;
  if (error == 0 && epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) error = errno;
  if (error != 0) return fault(id, TransferFault::kConnect, std::strerror(error), BenchClock::now());
  connection.waits_for_write = true;
}

void ExchangeLoop::poll(TimePoint until) {
  std::array<epoll_event, kMaxEvents> events;
  const TimePoint now = BenchClock::now();
  const TimePoint wake = num_active_ > 0 ? std::min(until, std::max(now, next_timeout_check_)) : until;
  const auto wait = std::chrono::ceil<milliseconds>(
      std::clamp(wake - now, BenchClock::duration{}, BenchClock::duration(std::chrono::seconds(1))));
  const int num_events = epoll_wait(epoll_, events.data(), kMaxEvents, static_cast<int>(wait.count()));
  for (int i = 0; i < num_events; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    handle(event.data.u64, event.events);
  }
  time_out(BenchClock::now());
}

void ExchangeLoop::handle(uint64_t id, uint32_t events) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;  // an earlier event of the same batch closed it
  Connection& connection = found->second;
  if (!connection.is_connected) {
    const int error = pending_error(connection.fd);
    if (error != 0) return fault(id, TransferFault::kConnect, std::strerror(error), BenchClock::now());
    if ((events & EPOLLOUT) == 0) return;
    connection.is_connected = true;
  }
  // Reading comes first: a server that refuses a large body answers, then closes, and writing would only show the latter.
  if ((events & ~uint32_t{EPOLLOUT}) != 0) receive(id);
  const auto still = connections_.find(id);
  if (still != connections_.end() && still->second.waits_for_write) send_rest(id);
}

void ExchangeLoop::send_rest(uint64_t id) {
  Connection& connection = connections_.at(id);
  const std::string& head = connection.exchange.head;
  const std::string* body = connection.exchange.body.get();
  const size_t total = head.size() + (body != nullptr ? body->size() : 0);
  while (connection.num_sent < total) {
    std::array<iovec, 2> parts{};
    size_t num_parts = 0;
    const size_t head_sent = std::min(connection.num_sent, head.size());
    const size_t body_sent = connection.num_sent - head_sent;
    if (head_sent < head.size()) parts[num_parts++] = {const_cast<char*>(head.data()) + head_sent, head.size() - head_sent};
    if (body != nullptr) parts[num_parts++] = {const_cast<char*>(body->data()) + body_sent, body->size() - body_sent};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = num_parts;
    const ssize_t sent = sendmsg(connection.fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_for_write(id, true);
      break;  // the reading side will tell: with an answer that came before, or with the end of the connection
    }
    connection.num_sent += static_cast<size_t>(sent);
  }
  wait_for_write(id, false);
}

void ExchangeLoop::wait_for_write(uint64_t id, bool waits) {
  Connection& connection = connections_.at(id);
  if (connection.waits_for_write == waits) return;
  connection.waits_for_write = waits;
  epoll_event event{};
  event.events = EPOLLIN | (waits ? uint32_t{EPOLLOUT} : 0);
  event.data.u64 = id;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
}

void ExchangeLoop::receive(uint64_t id) {
  Connection& connection = connections_.at(id);
  const ssize_t size = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
  const TimePoint now = BenchClock::now();
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (connection.exchange.handler == nullptr) {  // idle: the server closes it, or talks out of turn
    idle_.erase(std::remove(idle_.begin(), idle_.end(), id), idle_.end());
    return close_connection(id);
  }
  if (size < 0) return lose(id, std::strerror(errno), now);
  if (size == 0) {
    if (connection.reader.end_of_connection()) return complete(id, now);
    return lose(id, "closed by the server", now);
  }
  connection.has_answer_bytes = true;
  const auto on_body = [&](std::string_view bytes) {
    connection.exchange.handler->on_body(connection.reader.status(), bytes, now);
  };
  const bool is_http = connection.reader.feed({buffer_.data(), static_cast<size_t>(size)}, on_body);
  if (!is_http) return fault(id, TransferFault::kMalformed, connection.reader.problem(), now);
  if (connection.reader.is_complete()) complete(id, now);
}

void ExchangeLoop::complete(uint64_t id, TimePoint now) {
  Connection& connection = connections_.at(id);
  const std::unique_ptr<ExchangeHandler> handler = std::move(connection.exchange.handler);
  const Exchange& exchange = connection.exchange;
  const size_t total = exchange.head.size() + (exchange.body != nullptr ? exchange.body->size() : 0);
  const int status = connection.reader.status();
  --num_active_;
  if (connection.reader.keeps_connection() && connection.num_sent == total) {
    connection.exchange = Exchange();
    idle_.push_back(id);
  } else {
    close_connection(id);
  }
  handler->on_complete(status, now);
}

/// The connection has ended before the answer. One that lay idle may have been closed before the request came: it goes out
/// again.
void ExchangeLoop::lose(uint64_t id, const std::string& reason, TimePoint now) {
  Connection& connection = connections_.at(id);
  if (!connection.is_reused || connection.has_answer_bytes) return fault(id, TransferFault::kDisconnected, reason, now);
  Exchange exchange = std::move(connection.exchange);
  close_connection(id);
  open(std::move(exchange));
}

void ExchangeLoop::fault(uint64_t id, TransferFault fault, std::string what, TimePoint now) {
  const std::unique_ptr<ExchangeHandler> handler = std::move(connections_.at(id).exchange.handler);
  --num_active_;
  close_connection(id);
  handler->on_fault(fault, what, now);
}

void ExchangeLoop::close_connection(uint64_t id) {
  const auto found = connections_.find(id);
  if (found->second.fd >= 0) ::close(found->second.fd);
  connections_.erase(found);
}

void ExchangeLoop::time_out(TimePoint now) {
  if (now < next_timeout_check_) return;
  next_timeout_check_ = now + kTimeoutCheckInterval;
  std::vector<uint64_t> late;
  for (const auto& [id, connection] : connections_) {
    if (connection.exchange.handler != nullptr && connection.exchange.deadline <= now) late.push_back(id);
  }
  for (const uint64_t id : late) fault(id, TransferFault::kTimeout, "no complete answer in time", now);
}

void ExchangeLoop::cancel_all() {
  std::vector<uint64_t> active;
  for (const auto& [id, connection] : connections_) {
    if (connection.exchange.handler != nullptr) active.push_back(id);
  }
  for (const uint64_t id : active) fault(id, TransferFault::kCancelled, "cancelled", BenchClock::now());
}

}  // namespace spyhop
