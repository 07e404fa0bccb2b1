#include "bench/http_reader.h"

#include <gtest/gtest.h>

namespace spyhop {
namespace {

struct Read {
  bool is_http = true;
  std::string body;
};

Read feed(HttpReader& reader, const std::string& bytes, size_t piece_size = 1) {
  Read read;
  for (size_t begin = 0; begin < bytes.size() && read.is_http; begin += piece_size) {
    read.is_http = reader.feed(bytes.substr(begin, piece_size), [&](std::string_view piece) { read.body += piece; });
  }
  return read;
}

TEST(http_reader, ReadsABodyByItsLength) {
  HttpReader reader;
  EXPECT_EQ(reader.status(), 0);
  EXPECT_EQ(feed(reader, "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nhello").body, "hello");
  EXPECT_TRUE(reader.is_complete());
  EXPECT_EQ(reader.status(), 404);
  EXPECT_TRUE(reader.keeps_connection());
}

TEST(http_reader, ReadsChunksWithExtensionsAndTrailersInPiecesOfAnySize) {
  const std::string answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n"
      "5;name=value\r\nhello\r\nA\r\n, 10 bytes\r\n0\r\nx-trailer: 1\r\n\r\n";
  for (size_t size = 1; size < 60; ++size) {
    HttpReader reader;
    EXPECT_EQ(feed(reader, answer, size).body, "hello, 10 bytes");
    EXPECT_TRUE(reader.is_complete());
    EXPECT_EQ(reader.status(), 200);
    EXPECT_FALSE(reader.keeps_connection());
  }
}

TEST(http_reader, WithoutFramingTheBodyEndsWithTheConnection) {
  HttpReader reader;
  EXPECT_EQ(feed(reader, "HTTP/1.0 200 OK\r\n\r\nabc").body, "abc");
  EXPECT_FALSE(reader.is_complete());
  EXPECT_TRUE(reader.end_of_connection());
  EXPECT_FALSE(reader.keeps_connection());
}

TEST(http_reader, AnEndWithinTheFramingIsNoEnd) {
  HttpReader by_length, chunked;
  feed(by_length, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_FALSE(by_length.end_of_connection());
  feed(chunked, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  EXPECT_FALSE(chunked.end_of_connection());
}

TEST(http_reader, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"},
      {"HTTP/1.1 abc\r\n", "no HTTP/1.1 answer"},
      {"HTTP/1.1 200 OK\r\nno colon\r\n", "without a colon"},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "content length \"-1\""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n", "content length"},
      {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", "content encoding \"gzip\""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "chunk size \"xyz\""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than its size"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", "after the end"},
  };
  for (const auto& [answer, problem] : cases) {
    HttpReader reader;
    EXPECT_FALSE(feed(reader, answer).is_http) << answer;
    EXPECT_NE(reader.problem().find(problem), std::string::npos) << reader.problem();
  }
}

TEST(http_reader, AHeadWithoutEndIsGivenUp) {
  HttpReader reader;
  const std::string header = "x: " + std::string(1000, 'y') + "\r\n";
  bool is_http = feed(reader, "HTTP/1.1 200 OK\r\n").is_http;
  for (int i = 0; i < 100 && is_http; ++i) is_http = feed(reader, header, 100).is_http;
  EXPECT_FALSE(is_http);
  EXPECT_NE(reader.problem().find("65536"), std::string::npos);
}

TEST(http_reader, ManyChunksAreNoHead) {
  HttpReader reader;
  EXPECT_TRUE(feed(reader, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_http);
  for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(feed(reader, "1\r\nx\r\n", 6).is_http);
}

}  // namespace
}  // namespace spyhop
