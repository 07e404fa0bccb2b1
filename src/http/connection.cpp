#include "http/connection.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

namespace spyhop {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 16384;
// The system would let it grow to megabytes per connection, and calls it writable only when a third of it is free again: what a
// slow client takes meanwhile would not show.
constexpr int kSendBufferBytes = 65536;
constexpr std::string_view kBlankLine = "\r\n\r\n";

/// The events that came before `deadline`, 0 when none did.
short wait_for(int socket, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    pollfd entry{socket, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000)));
    if (ready < 0 && errno == EINTR) continue;
    return ready > 0 ? entry.revents : short{0};
  }
}

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

struct Address {
  std::string ip;
  int port = 0;
};

/// What `query`, getpeername or getsockname, says of a socket.
Address address_of(int socket, int (*query)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (query(socket, generic, &length) != 0) return {};
  if (::getnameinfo(generic, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) return {};
  return {host, std::atoi(port)};
}

}  // namespace

Connection::Connection(int socket, const ConnectionLimits& limits) : socket_(socket), limits_(limits) {
  set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket_, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);
  // A client that vanishes without a word is noticed within half a minute.
  set_option(socket_, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket_, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(socket_, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket_, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Connection::~Connection() {
  ::close(socket_);
}

size_t Connection::Buffer::take(char* data, size_t size) {
  const size_t taken = std::min(size, bytes.size() - offset);
  std::memcpy(data, bytes.data() + offset, taken);
  offset += taken;
  if (empty()) {
    bytes.clear();
    offset = 0;
  }
  return taken;
}

/// Reads until the blank line or the limit. The size of the head with its blank line, or 0 when the client sends none in time.
/// A size over kMaxHeadBytes stands for a head that is too long.
size_t Connection::read_head_bytes() {
  std::string& bytes = input_.bytes;
  bytes.erase(0, std::exchange(input_.offset, 0));
  bool started = !bytes.empty();
  Clock::time_point deadline = Clock::now() + (started ? limits_.head_timeout : limits_.idle_timeout);
  for (size_t searched = 0;;) {
    // Empty lines before a request are to be ignored.
    if (searched == 0) bytes.erase(0, bytes.find_first_not_of("\r\n"));
    const size_t end = bytes.find(kBlankLine, searched);
    if (end != std::string::npos) return end + kBlankLine.size();
    if (bytes.size() > kMaxHeadBytes) return bytes.size();
    searched = bytes.size() - std::min(bytes.size(), kBlankLine.size() - 1);
    if (!fill(deadline)) return 0;
    if (!std::exchange(started, true)) deadline = Clock::now() + limits_.head_timeout;
  }
}

Connection::Next Connection::refuse_head(BadHead bad_head) {
  bad_head_ = std::move(bad_head);
  close_ = true;
  return Next::kBadHead;
}

Connection::Next Connection::next_request() {
  const size_t size = read_head_bytes();
  if (size == 0) return Next::kEnd;
  if (size > kMaxHeadBytes) {
    return refuse_head({431, "the head of the request is too long; allowed: " + std::to_string(kMaxHeadBytes) + " bytes"});
  }
  auto parsed = parse_request_head(std::string_view(input_.bytes).substr(0, size));
  if (auto* bad_head = std::get_if<BadHead>(&parsed)) return refuse_head(std::move(*bad_head));
  input_.bytes.erase(0, size);
  head_ = std::get<RequestHead>(std::move(parsed));
  parser_head_ = {std::move(head_.text), 0};
  start_body();
  return Next::kRequest;
}

void Connection::start_body() {
  body_left_ = head_.content_length;
  body_received_ = 0;
  body_pending_ = head_.chunked || head_.content_length > 0;
  continue_due_ = head_.expects_continue && body_pending_;
  body_start_ = Clock::now();
  close_ = close_ || head_.close;
}

Connection::Clock::time_point Connection::body_deadline() const {
  return body_start_ + limits_.body_grace + std::chrono::seconds(body_received_ / static_cast<uint64_t>(limits_.min_body_rate));
}

/// Appends what the client sends next to input_. False when nothing came in time or the client has gone.
bool Connection::fill(Clock::time_point deadline) {
  std::string& bytes = input_.bytes;
  while (wait_for(socket_, POLLIN, deadline) != 0) {
    const size_t size = bytes.size();
    bytes.resize(size + kReadBytes);
    const ssize_t received = ::recv(socket_, &bytes[size], kReadBytes, MSG_DONTWAIT);
    const int error = errno;
    bytes.resize(size + static_cast<size_t>(std::max<ssize_t>(received, 0)));
    if (received > 0) return true;
    if (received == 0 || (error != EINTR && error != EAGAIN)) return false;
  }
  return false;
}

ssize_t Connection::read(char* data, size_t size) {
  if (!parser_head_.empty()) return static_cast<ssize_t>(parser_head_.take(data, size));
  if (!body_pending_) return 0;
  if (head_.chunked && body_received_ > limits_.max_chunked_bytes) return -1;
  if (std::exchange(continue_due_, false) && httplib::Stream::write("HTTP/1.1 100 Continue\r\n\r\n") < 0) return -1;
  if (input_.empty() && !fill(body_deadline())) return -1;
  if (!head_.chunked) size = static_cast<size_t>(std::min<uint64_t>(size, body_left_));
  const size_t taken = input_.take(data, size);
  body_received_ += taken;
  if (!head_.chunked) {
    body_left_ -= taken;
    body_pending_ = body_left_ > 0;
  }
  return static_cast<ssize_t>(taken);
}

ssize_t Connection::write(const char* data, size_t size) {
  while (!broken_) {
    const ssize_t sent = ::send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) written_ += static_cast<uint64_t>(sent);
    if (sent > 0 || size == 0) return sent;
    const bool full = sent < 0 && (errno == EAGAIN || errno == EINTR);
    broken_ = !full || !wait_writable();
  }
  return -1;
}

/// False when the client takes nothing for too long, or has taken too little in all the time that was waited for it.
bool Connection::wait_writable() {
  const auto allowed = limits_.write_timeout + std::chrono::seconds(written_ / static_cast<uint64_t>(limits_.min_write_rate));
  if (write_waited_ > allowed) return false;
  const Clock::time_point start = Clock::now();
  const bool ready = (wait_for(socket_, POLLOUT, start + limits_.write_timeout) & POLLOUT) != 0;
  write_waited_ += Clock::now() - start;
  return ready;
}

bool Connection::is_readable() const {
  return !input_.empty() || wait_for(socket_, POLLIN, Clock::now()) != 0;
}

bool Connection::is_writable() const {
  return !broken_ && !client_gone();
}

bool Connection::client_gone() const {
  return broken_ || (wait_for(socket_, POLLRDHUP, Clock::now()) & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Connection::interrupt() {
  ::shutdown(socket_, SHUT_RD);
}

void Connection::abort() {
  ::shutdown(socket_, SHUT_RDWR);
}

void Connection::finish() {
  if (broken_) return;
  ::shutdown(socket_, SHUT_WR);
  const Clock::time_point deadline = Clock::now() + limits_.linger;
  do {
    input_ = {};
  } while (fill(deadline));
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  const Address remote = address_of(socket_, ::getpeername);
  ip = remote.ip;
  port = remote.port;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  const Address local = address_of(socket_, ::getsockname);
  ip = local.ip;
  port = local.port;
}

}  // namespace spyhop
