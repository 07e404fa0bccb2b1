// Many HTTP exchanges at once, on one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/endpoint.h"
#include "bench/http_reader.h"

namespace spyhop {

using BenchClock = std::chrono::steady_clock;
using TimePoint = BenchClock::time_point;

enum class TransferFault {
  kConnect,       // no connection
  kDisconnected,  // the connection ended before the answer did
  kMalformed,     // what came is no HTTP answer
  kTimeout,
  kCancelled,
};

/// What becomes of one exchange: body pieces, then exactly one of the two ends. Called from within ExchangeLoop's start(),
/// poll() and cancel_all(), and must not call the loop itself.
class ExchangeHandler {
 public:
  virtual ~ExchangeHandler() = default;
  /// `arrival`: when the bytes were taken from the system.
  virtual void on_body(int status, std::string_view bytes, TimePoint arrival) = 0;
  virtual void on_complete(int status, TimePoint arrival) = 0;
  virtual void on_fault(TransferFault fault, const std::string& what, TimePoint arrival) = 0;
};

struct Exchange {
  std::string head;
  std::shared_ptr<const std::string> body;  // null = none
  std::unique_ptr<ExchangeHandler> handler;
  TimePoint deadline;
};

/// Sends requests over non-blocking sockets and hands on what comes back. Connections are kept and used again; one that the
/// server has closed meanwhile is replaced, and the request is sent once more. One thread waits for all of them, so that the
/// measuring leaves the cores to the server.
class ExchangeLoop {
 public:
  /// Raises the process's soft limit of open files to its hard one. Throws Error{kInternal} when the system gives no epoll.
  explicit ExchangeLoop(const Endpoint& endpoint);
  ~ExchangeLoop();
  ExchangeLoop(const ExchangeLoop&) = delete;
  ExchangeLoop& operator=(const ExchangeLoop&) = delete;

  void start(Exchange exchange);
  size_t num_active() const { return num_active_; }

  /// Handles what has come; waits for something until `until` at most, or until a signal comes.
  void poll(TimePoint until);

  /// Ends all exchanges with kCancelled.
  void cancel_all();

 private:
  struct Connection {
    int fd = -1;
    Exchange exchange;  // without a handler the connection is idle
    HttpReader reader;
    size_t num_sent = 0;
    bool is_connected = false;
    bool is_reused = false;
    bool has_answer_bytes = false;
    bool waits_for_write = false;
  };

  void assign(uint64_t id, Exchange exchange);
  void open(Exchange exchange);
  void handle(uint64_t id, uint32_t events);
  void send_rest(uint64_t id);
  void receive(uint64_t id);
  void wait_for_write(uint64_t id, bool waits);
  void complete(uint64_t id, TimePoint now);
  void lose(uint64_t id, const std::string& reason, TimePoint now);
  void fault(uint64_t id, TransferFault fault, std::string what, TimePoint now);  // `what` may be in the connection
  void close_connection(uint64_t id);
  void time_out(TimePoint now);

  const Endpoint& endpoint_;
  int epoll_ = -1;
  uint64_t next_id_ = 1;
  size_t num_active_ = 0;
  std::unordered_map<uint64_t, Connection> connections_;
  std::vector<uint64_t> idle_;
  TimePoint next_timeout_check_{};
  std::array<char, size_t{64} << 10> buffer_;
};

}  // namespace spyhop
