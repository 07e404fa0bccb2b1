#include "http/request_head.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>

namespace spyhop {
namespace {

RequestHead head_of(const std::string& raw) {
  const auto parsed = parse_request_head(raw);
  if (const auto* bad = std::get_if<BadHead>(&parsed)) {
    ADD_FAILURE() << bad->message;
    return {};
  }
  return std::get<RequestHead>(parsed);
}

int status_of(const std::string& raw) {
  const auto parsed = parse_request_head(raw);
  const auto* bad = std::get_if<BadHead>(&parsed);
  return bad == nullptr ? 200 : bad->status;
}

TEST(request_head, APlainRequestPassesUnchanged) {
  const std::string raw = "GET /v1/models?x=1 HTTP/1.1\r\nHost: localhost:9997\r\nAuthorization: Bearer k\r\n\r\n";
  const RequestHead head = head_of(raw);
  EXPECT_EQ(head.text, raw);
  EXPECT_FALSE(head.close);
  EXPECT_FALSE(head.chunked);
  EXPECT_EQ(head.content_length, 0U);
}

TEST(request_head, HeadersThatWouldChangeTheAnswerAreLeftOut) {
  const RequestHead head = head_of(
      "GET / HTTP/1.1\r\nRange: bytes=0-1\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nA: "
      "b\r\n\r\n");
  EXPECT_EQ(head.text, "GET / HTTP/1.1\r\nA: b\r\n\r\n");
}

TEST(request_head, ConnectionCloseIsFoundAmongOtherOptions) {
  EXPECT_TRUE(head_of("GET / HTTP/1.1\r\nConnection: Keep-Alive, Close\r\n\r\n").close);
  EXPECT_TRUE(head_of("GET / HTTP/1.1\r\nCONNECTION: close\r\n\r\n").close);
  EXPECT_FALSE(head_of("GET / HTTP/1.1\r\nConnection: not-close\r\n\r\n").close);
  EXPECT_TRUE(head_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").close);
  EXPECT_EQ(head_of("GET / HTTP/1.0\r\n\r\n").text, "GET / HTTP/1.0\r\nConnection: close\r\n\r\n");
}

TEST(request_head, BodiesAreMeasured) {
  EXPECT_EQ(head_of("POST / HTTP/1.1\r\ncontent-length: 12\r\n\r\n").content_length, 12U);
  EXPECT_TRUE(head_of("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n").chunked);
  EXPECT_TRUE(head_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n").expects_continue);
}

TEST(request_head, APostWithoutALengthHasNoBody) {
  EXPECT_EQ(head_of("POST / HTTP/1.1\r\n\r\n").text, "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
}

TEST(request_head, PercentSignsOfValuesSurviveTheParser) {
  EXPECT_EQ(head_of("GET / HTTP/1.1\r\nx-request-id: a%0d%0ab\r\n\r\n").text,
            "GET / HTTP/1.1\r\nx-request-id: a%250d%250ab\r\n\r\n");
}

struct BadRequest {
  const char* raw;
  int status;
};

class request_head_bad : public ::testing::TestWithParam<BadRequest> {};

TEST_P(request_head_bad, IsRefused) {
  EXPECT_EQ(status_of(GetParam().raw), GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    heads, request_head_bad,
    ::testing::Values(BadRequest{"\r\n\r\n", 400}, BadRequest{"GET\r\n\r\n", 400}, BadRequest{"GET /\r\n\r\n", 400},
                      BadRequest{"GET  HTTP/1.1\r\n\r\n", 400}, BadRequest{"G(T / HTTP/1.1\r\n\r\n", 400},
                      BadRequest{"GET /a b HTTP/1.1\r\n\r\n", 400}, BadRequest{"GET /\x01 HTTP/1.1\r\n\r\n", 400},
                      BadRequest{"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400}, BadRequest{"GET / HTTP/2.0\r\n\r\n", 505},
                      BadRequest{"GET / HTTP/1.1x\r\n\r\n", 505}, BadRequest{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
                      BadRequest{"GET / HTTP/1.1\r\n: empty\r\n\r\n", 400}, BadRequest{"GET / HTTP/1.1\r\na : b\r\n\r\n", 400},
                      BadRequest{"GET / HTTP/1.1\r\na: b\r\n folded\r\n\r\n", 400},
                      BadRequest{"GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", 400},
                      BadRequest{"GET / HTTP/1.1\r\na: b\rc\r\n\r\n", 400},
                      BadRequest{"GET / HTTP/1.1\r\na: \x7f\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                      BadRequest{"POST / HTTP/1.1\r\nExpect: a miracle\r\n\r\n", 417}));

TEST(request_head, SizesAreLimited) {
  EXPECT_EQ(status_of("GET /" + std::string(kMaxTargetBytes, 'a') + " HTTP/1.1\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\na: " + std::string(kMaxHeaderLineBytes, 'a') + "\r\n\r\n"), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (size_t i = 0; i <= kMaxHeaderLines; ++i) many += "a: b\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
}

TEST(request_head, MutatedHeadsNeverSmuggleALine) {
  const std::string valid = "POST /v1/x HTTP/1.1\r\nHost: y\r\nContent-Length: 12\r\nConnection: keep-alive\r\nA: b%\r\n\r\n";
  const std::string alphabet = "\r\n :\t%,0aZ\x01\x7f\xff";
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string raw = valid;
    for (unsigned i = random() % 4 + 1; i > 0; --i) raw[random() % (raw.size() - 4)] = alphabet[random() % alphabet.size()];
    const auto parsed = parse_request_head(raw.substr(0, raw.find("\r\n\r\n") + 4));
    const auto* head = std::get_if<RequestHead>(&parsed);
    if (head == nullptr) continue;
    EXPECT_EQ(head->text.find("\r\n\r\n"), head->text.size() - 4) << raw;
    for (size_t i = 0; i < head->text.size(); ++i) {
      const bool is_half_an_end =
          (head->text[i] == '\n' && head->text[i - 1] != '\r') || (head->text[i] == '\r' && head->text[i + 1] != '\n');
      EXPECT_FALSE(is_half_an_end) << raw;
    }
  }
}

}  // namespace
}  // namespace spyhop
