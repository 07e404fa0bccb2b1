#include "http/listener.h"

#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kBacklog = 512;
constexpr int kSpareThreads = 8;
constexpr int kMaxWaiting = 512;                    // accepted connections without a thread; further ones wait in the backlog
constexpr std::chrono::milliseconds kMinIdle{100};  // a client that has just come is about to send its request
constexpr std::chrono::milliseconds kRetryAccept{20};
constexpr std::chrono::milliseconds kStopGrace{2000};

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

[[noreturn]] void fail(const ListenerOptions& options, const std::string& reason) {
  throw Error(ErrorCode::kInvalidRequest,
              "cannot listen on host " + options.host + ", port " + std::to_string(options.port) + ": " + reason, "port");
}

Addresses resolve(const ListenerOptions& options) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = options.host.empty() ? nullptr : options.host.c_str();
  const int error = ::getaddrinfo(host, std::to_string(options.port).c_str(), &hints, &found);
  if (error != 0) fail(options, ::gai_strerror(error));
  return Addresses(found);
}

/// A listening socket, or -1 with errno.
int try_listen(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (socket < 0) return -1;
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket, address.ai_addr, address.ai_addrlen) == 0 && ::listen(socket, kBacklog) == 0) return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

int listen_on(const ListenerOptions& options) {
  if (options.port < 0 || options.port > 65535) fail(options, "allowed ports: 0 to 65535");
  const Addresses addresses = resolve(options);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    const int socket = try_listen(*address);
    if (socket >= 0) return socket;
  }
  fail(options, std::strerror(errno));
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  char port[NI_MAXSERV] = "";
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  ::getnameinfo(reinterpret_cast<sockaddr*>(&address), length, nullptr, 0, port, sizeof port, NI_NUMERICSERV);
  return std::atoi(port);
}

}  // namespace

Listener::Listener(const ListenerOptions& options, Protocol& protocol) : options_(options), protocol_(protocol) {
  socket_ = listen_on(options_);
  port_ = port_of(socket_);
  workers_ = std::make_unique<httplib::ThreadPool>(static_cast<size_t>(options_.max_connections + kSpareThreads));
  acceptor_ = std::thread([this] { accept_connections(); });
}

Listener::~Listener() {
  stop();
}

void Listener::accept_connections() {
  const int most = options_.max_connections + kSpareThreads + kMaxWaiting;
  while (!stopping_) {
    const int socket = num_accepted_ < most ? ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
    if (socket >= 0) {
      ++num_accepted_;
      workers_->enqueue([this, socket] { serve(socket); });
    } else if (!stopping_) {
      // Out of descriptors, memory or threads: what is open ends sooner or later.
      std::this_thread::sleep_for(kRetryAccept);
    }
  }
}

/// Keeps a connection in the table for as long as its socket is open.
class Listener::Registration {
 public:
  Registration(Listener& listener, Connection& connection) : listener_(listener), connection_(connection) {
    listener_.enter(connection_);
  }
  ~Registration() { listener_.leave(connection_); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  Listener& listener_;
  Connection& connection_;
};

void Listener::serve(int socket) {
  try {
    Connection connection(socket, options_.limits);
    const Registration registration(*this, connection);
    serve_requests(connection);
  } catch (const std::exception& e) {
    spdlog::error("event=connection_failed error=\"{}\"", e.what());
  }
  --num_accepted_;
}

void Listener::serve_requests(Connection& connection) {
  while (!stopping_) {
    const Connection::Next next = connection.next_request();
    if (next == Connection::Next::kEnd) return;
    const bool over_limit = begin_request(connection);
    if (next == Connection::Next::kRequest) {
      protocol_.serve(connection, over_limit);
    } else {
      protocol_.refuse(connection);
    }
    const bool wanted = end_request(connection);
    if (connection.closes()) return connection.finish();
    if (!wanted) return;
  }
}

void Listener::enter(Connection& connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (connections_.size() >= static_cast<size_t>(options_.max_connections)) interrupt_longest_idle();
  connections_[&connection] = {false, false, std::chrono::steady_clock::now()};
}

void Listener::leave(Connection& connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto entry = connections_.find(&connection);
  if (entry == connections_.end()) return;
  num_busy_ -= entry->second.counted ? 1 : 0;
  connections_.erase(entry);
  quiet_.notify_all();
}

/// Whether the request is one more than may be served at a time.
bool Listener::begin_request(Connection& connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Activity& activity = connections_[&connection];
  activity.busy = true;
  activity.counted = !closing_idle_;
  num_busy_ += activity.counted ? 1 : 0;
  return num_busy_ > options_.max_connections;
}

/// Whether the connection may wait for a further request.
bool Listener::end_request(Connection& connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Activity& activity = connections_[&connection];
  num_busy_ -= activity.counted ? 1 : 0;
  activity = {false, false, std::chrono::steady_clock::now()};
  quiet_.notify_all();
  return !closing_idle_ && connections_.size() <= static_cast<size_t>(options_.max_connections);
}

void Listener::interrupt_longest_idle() {
  Connection* oldest = nullptr;
  auto oldest_since = std::chrono::steady_clock::now() - kMinIdle;
  for (const auto& [connection, activity] : connections_) {
    if (activity.busy || activity.since > oldest_since) continue;
    oldest = connection;
    oldest_since = activity.since;
  }
  if (oldest != nullptr) oldest->interrupt();
}

void Listener::close_idle() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closing_idle_ = true;
  for (const auto& [connection, activity] : connections_) {
    if (!activity.busy) connection->interrupt();
  }
}

bool Listener::wait_quiet(std::chrono::milliseconds timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return quiet_.wait_for(lock, timeout, [this] { return num_busy_ == 0; });
}

void Listener::for_each_connection(void (Connection::*action)()) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& entry : connections_) (entry.first->*action)();
}

void Listener::stop() {
  std::call_once(stop_once_, [this] {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);  // wakes accept
    acceptor_.join();
    ::close(socket_);
    close_idle();
    for_each_connection(&Connection::interrupt);
    if (!wait_quiet(kStopGrace)) for_each_connection(&Connection::abort);
    workers_->shutdown();
  });
}

}  // namespace spyhop
