// The listening socket and the threads behind it.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "http/connection.h"
#include "http/protocol.h"

namespace spyhop {

struct ListenerOptions {
  std::string host;
  int port = 0;             // 0 = any free one
  int max_connections = 0;  // a thread for each, and a few more that tell others to come back later
  ConnectionLimits limits;
};

/// Accepts connections and serves each on a thread of its own until it ends. When all are taken, the one idle for longest is
/// ended; when all are busy, further requests are answered as over the limit.
/// Sockets are ours rather than httplib's because its backlog is 5, its port may be shared with another server, and each idle
/// connection wakes its thread a hundred times a second.
/// Thread safety: all members from any thread.
class Listener {
 public:
  /// Binds and listens. Throws Error{kInvalidRequest} naming the address and the reason.
  Listener(const ListenerOptions& options, Protocol& protocol);
  ~Listener();  // stop()

  int port() const { return port_; }

  /// Ends connections that wait for a request, now and from now on.
  void close_idle();

  /// Waits until no request is being served, those apart that began after close_idle(). False when some still are at `timeout`.
  bool wait_quiet(std::chrono::milliseconds timeout);

  /// Closes the socket, ends every connection and joins the threads. A request being served sees its client as gone.
  void stop();

 private:
  struct Activity {
    bool busy = false;
    bool counted = false;  // in num_busy_
    std::chrono::steady_clock::time_point since;
  };
  class Registration;

  void accept_connections();
  void serve(int socket);
  void serve_requests(Connection& connection);
  void enter(Connection& connection);
  void leave(Connection& connection);
  bool begin_request(Connection& connection);
  bool end_request(Connection& connection);
  void interrupt_longest_idle();
  void for_each_connection(void (Connection::*action)());

  const ListenerOptions options_;
  Protocol& protocol_;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> num_accepted_{0};  // open sockets, waiting ones included

  std::once_flag stop_once_;
  std::mutex mutex_;               // guards the rest of this group
  std::condition_variable quiet_;  // no request is being served
  std::map<Connection*, Activity> connections_;
  int num_busy_ = 0;
  bool closing_idle_ = false;

  std::unique_ptr<httplib::ThreadPool> workers_;
  std::thread acceptor_;
};

}  // namespace spyhop
