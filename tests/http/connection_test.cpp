#include "http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace spyhop {
namespace {

using std::chrono::milliseconds;

/// A connection and the client's end of it.
class connection : public ::testing::Test {
 protected:
  connection() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~connection() override { close_client(); }

  static ConnectionLimits short_limits() {
    ConnectionLimits limits;
    limits.idle_timeout = limits.head_timeout = limits.body_grace = limits.write_timeout = limits.linger = milliseconds{60};
    return limits;
  }

  void send(const std::string& bytes) const { (void)!::send(ends_[1], bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  void close_client() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

  std::string received(int flags) const {
    char buffer[1000];
    const ssize_t size = ::recv(ends_[1], buffer, sizeof buffer, flags);
    return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }

  /// What the parser reads in one go or several, up to `size` bytes.
  static std::string read(Connection& connection, size_t size) {
    std::string bytes(size, '\0');
    size_t done = 0;
    while (done < size) {
      const ssize_t taken = connection.read(&bytes[done], size - done);
      if (taken <= 0) break;
      done += static_cast<size_t>(taken);
    }
    bytes.resize(done);
    return bytes;
  }

  /// Whether the connection ends although the client goes on sending `drop` for seconds.
  bool is_let_go_while_client_sends(const std::string& drop) {
    Connection server(ends_[0], short_limits());
    std::atomic<bool> ended{false};
    std::atomic<bool> gave_up{false};
    std::thread client([&] {
      for (int i = 0; i < 300 && !ended; ++i) {
        send(drop);
        std::this_thread::sleep_for(milliseconds{10});
      }
      gave_up = !ended;
    });
    const bool is_end = server.next_request() == Connection::Next::kEnd;
    ended = true;
    client.join();
    return is_end && !gave_up;
  }

  int ends_[2] = {-1, -1};
};

TEST_F(connection, GivesHeadAndBodyOfRequestsInARow) {
  Connection server(ends_[0], short_limits());
  send("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /x HTTP/1.1\r\n\r\n");
  ASSERT_EQ(server.next_request(), Connection::Next::kRequest);
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n";
  EXPECT_EQ(read(server, head.size()), head);
  EXPECT_TRUE(server.closes());
  EXPECT_EQ(read(server, 100), "abc");
  EXPECT_FALSE(server.closes());
  ASSERT_EQ(server.next_request(), Connection::Next::kRequest);
  EXPECT_EQ(read(server, 100), "GET /x HTTP/1.1\r\n\r\n");
}

TEST_F(connection, EmptyLinesBeforeARequestAreIgnored) {
  Connection server(ends_[0], short_limits());
  send("\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(server.next_request(), Connection::Next::kRequest);
}

TEST_F(connection, AnIdleClientIsLetGo) {
  Connection server(ends_[0], short_limits());
  EXPECT_EQ(server.next_request(), Connection::Next::kEnd);
}

TEST_F(connection, AHeadThatComesInDropsIsLetGo) {
  EXPECT_TRUE(is_let_go_while_client_sends("G"));
}

TEST_F(connection, EmptyLinesAloneDoNotHoldTheConnection) {
  EXPECT_TRUE(is_let_go_while_client_sends("\r\n"));
}

TEST_F(connection, AHeadWithoutAnEndIsRefused) {
  Connection server(ends_[0], short_limits());
  send("GET / HTTP/1.1\r\n" + std::string(kMaxHeadBytes, 'a'));
  EXPECT_EQ(server.next_request(), Connection::Next::kBadHead);
  EXPECT_EQ(server.bad_head().status, 431);
  EXPECT_TRUE(server.closes());
}

TEST_F(connection, ContinueGoesOutOnlyWhenTheBodyIsRead) {
  Connection server(ends_[0], ConnectionLimits());
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 3\r\n";
  send(head + "Expect: 100-continue\r\n\r\n");
  ASSERT_EQ(server.next_request(), Connection::Next::kRequest);
  EXPECT_EQ(read(server, head.size() + 2), head + "\r\n");
  EXPECT_EQ(received(MSG_DONTWAIT), "");
  std::thread client([this] {
    EXPECT_EQ(received(0), "HTTP/1.1 100 Continue\r\n\r\n");
    send("abc");
  });
  EXPECT_EQ(read(server, 3), "abc");
  client.join();
}

TEST_F(connection, ABodyThatStaysAwayEndsTheRead) {
  Connection server(ends_[0], short_limits());
  send("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na");
  ASSERT_EQ(server.next_request(), Connection::Next::kRequest);
  read(server, 38);
  EXPECT_EQ(read(server, 1), "a");
  char byte = 0;
  EXPECT_EQ(server.read(&byte, 1), -1);
  EXPECT_TRUE(server.closes());
}

TEST_F(connection, AChunkedBodyIsLimitedAsSent) {
  ConnectionLimits limits = short_limits();
  limits.max_chunked_bytes = 10;
  Connection server(ends_[0], limits);
  send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(100, '1'));
  ASSERT_EQ(server.next_request(), Connection::Next::kRequest);
  read(server, 47);
  for (int i = 0; i < 11; ++i) EXPECT_EQ(read(server, 1), "1");
  EXPECT_EQ(read(server, 1), "");
}

TEST_F(connection, AClientThatClosedIsNoticed) {
  Connection server(ends_[0], short_limits());
  EXPECT_FALSE(server.client_gone());
  EXPECT_TRUE(server.is_writable());
  send("unread");
  EXPECT_FALSE(server.client_gone());
  close_client();
  EXPECT_TRUE(server.client_gone());
  EXPECT_FALSE(server.is_writable());
}

TEST_F(connection, WritingToAClientThatDoesNotReadFailsInTime) {
  Connection server(ends_[0], short_limits());
  const std::string block(1 << 20, 'x');
  const auto start = std::chrono::steady_clock::now();
  ssize_t sent = 0;
  for (int i = 0; i < 1000 && sent >= 0; ++i) sent = server.write(block.data(), block.size());
  EXPECT_EQ(sent, -1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{3000});
  EXPECT_TRUE(server.client_gone());
}

TEST_F(connection, AClientThatReadsInDropsIsLetGoWhenItsPaceIsTooLow) {
  ConnectionLimits limits = short_limits();
  limits.min_write_rate = 100'000'000;
  Connection server(ends_[0], limits);
  std::atomic<bool> ended{false};
  std::thread client([&] {
    while (!ended) {
      received(MSG_DONTWAIT);
      std::this_thread::sleep_for(milliseconds{1});
    }
  });
  const auto start = std::chrono::steady_clock::now();
  const std::string block(1000, 'x');
  while (server.write(block.data(), block.size()) >= 0 && std::chrono::steady_clock::now() - start < milliseconds{5000}) {
  }
  EXPECT_TRUE(server.client_gone());
  ended = true;
  client.join();
}

TEST_F(connection, AClientThatReadsSlowlyButSteadilyIsServed) {
  Connection server(ends_[0], ConnectionLimits());
  std::atomic<bool> ended{false};
  std::thread client([&] {
    while (!ended) {
      received(MSG_DONTWAIT);
      std::this_thread::sleep_for(milliseconds{1});
    }
  });
  const std::string block(1000, 'x');
  for (int i = 0; i < 300; ++i) ASSERT_EQ(server.write(block.data(), block.size()), static_cast<ssize_t>(block.size()));
  EXPECT_FALSE(server.client_gone());
  ended = true;
  client.join();
}

TEST_F(connection, WritingToAClosedClientFailsWithoutASignal) {
  Connection server(ends_[0], short_limits());
  close_client();
  EXPECT_EQ(server.write("x", 1), -1);
}

TEST_F(connection, AnInterruptEndsTheWaitForARequest) {
  ConnectionLimits limits;
  Connection server(ends_[0], limits);
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds{20});
    server.interrupt();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(server.next_request(), Connection::Next::kEnd);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{3000});
  other.join();
}

TEST_F(connection, FinishingEndsTheAnswerAndDropsWhatStillComes) {
  Connection server(ends_[0], short_limits());
  server.write("bye", 3);
  std::thread client([this] {
    EXPECT_EQ(received(0), "bye");
    send(std::string(100'000, 'x'));
    close_client();
  });
  server.finish();
  client.join();
}

}  // namespace
}  // namespace spyhop
