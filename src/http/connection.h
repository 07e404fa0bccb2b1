// One client's socket, read and written by one worker thread.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "http/request_head.h"

namespace spyhop {

struct ConnectionLimits {
  std::chrono::milliseconds idle_timeout{6000};      // between two requests
  std::chrono::milliseconds head_timeout{10000};     // from a head's first byte to its last
  std::chrono::milliseconds body_grace{30000};       // a body may come this much later than at min_body_rate
  std::chrono::milliseconds write_timeout{20000};    // without a byte taken by the client
  std::chrono::milliseconds linger{2000};            // for the client to close after an answer that ends the connection
  uint64_t max_chunked_bytes = uint64_t{128} << 20;  // of a chunked body as sent, sizes of chunks included
  int min_body_rate = 16384;                         // bytes per second
  int min_write_rate = 1024;                         // bytes per second, of the time that writes wait for the client
};

/// Reads heads, hands them with their bodies to the HTTP parser, takes the answer, and tells whether the client is still there.
/// Owns the socket. Thread safety: one thread, save interrupt() and abort().
class Connection : public httplib::Stream {
 public:
  Connection(int socket, const ConnectionLimits& limits);
  ~Connection() override;  // closes
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Next {
    kRequest,  // read() now gives the parser a head, then its body
    kBadHead,  // bad_head() says why; the connection is to be closed after an answer
    kEnd,      // the client has gone, or sent nothing in time
  };

  /// Waits for the head of the next request.
  Next next_request();

  const RequestHead& head() const { return head_; }
  const BadHead& bad_head() const { return bad_head_; }

  /// The body has been read to its end: of a chunked one only the parser knows.
  void body_is_read() { body_pending_ = false; }

  /// Asks for the connection to end after the current answer.
  void close_after_answer() { close_ = true; }

  /// Whether the connection ends after the current answer: it was asked for, or a part of the body has been left unread.
  bool closes() const { return close_ || body_pending_; }

  /// Ends the answer, and drops what the client still sends until it closes: closing a socket with unread input resets the
  /// connection, and the answer may be lost on its way.
  void finish();

  /// Whether the client has closed its side, which ends what it asked for. Costs one system call.
  bool client_gone() const;

  /// Makes a waiting or later read see the connection's end. From any thread.
  void interrupt();

  /// Makes writes fail as well. From any thread.
  void abort();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// Bytes that are taken from the front.
  struct Buffer {
    std::string bytes;
    size_t offset = 0;  // of the first byte not taken

    bool empty() const { return offset == bytes.size(); }
    size_t take(char* data, size_t size);
  };

  bool fill(Clock::time_point deadline);
  size_t read_head_bytes();
  Next refuse_head(BadHead bad_head);
  void start_body();
  bool wait_writable();
  Clock::time_point body_deadline() const;

  const int socket_;
  const ConnectionLimits limits_;
  Buffer input_;        // received from the client
  Buffer parser_head_;  // the head that the parser is to read
  RequestHead head_;
  BadHead bad_head_;
  Clock::time_point body_start_;
  uint64_t body_left_ = 0;      // bytes of a body with a length
  uint64_t body_received_ = 0;  // bytes taken by the parser
  uint64_t written_ = 0;        // bytes
  std::chrono::nanoseconds write_waited_{0};
  bool continue_due_ = false;  // "100 Continue" goes out with the first read of the body
  bool body_pending_ = false;
  bool close_ = false;
  bool broken_ = false;  // a write has failed: no further one
};

}  // namespace spyhop
