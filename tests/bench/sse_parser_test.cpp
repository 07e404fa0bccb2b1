#include "bench/sse_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spyhop {
namespace {

const char* const kStream =
    "\xEF\xBB\xBF: a comment\n"
    "data: {\"a\": 1}\n\n"
    "event: message\r\nid: 7\r\ndata:no space\r\n\r\n"
    "data: two\rdata: lines\r\r"
    "data\n\n"
    "retry: 10\n\n"
    "data: \xE9\xAF\xA8\n\n"
    "data: [DONE]\n\n"
    "data: never ended\n";
const std::vector<std::string> kEvents = {"{\"a\": 1}", "no space", "two\nlines", "", "\xE9\xAF\xA8", "[DONE]"};

std::vector<std::string> parse(const std::string& stream, size_t piece_size) {
  SseParser parser;
  std::vector<std::string> events;
  for (size_t begin = 0; begin < stream.size(); begin += piece_size) {
    EXPECT_TRUE(parser.feed(stream.substr(begin, piece_size), [&](std::string_view data) { events.emplace_back(data); }));
  }
  return events;
}

TEST(sse_parser, FindsEventsWithEveryKindOfLineEnd) {
  EXPECT_EQ(parse(kStream, std::string(kStream).size()), kEvents);
}

TEST(sse_parser, PiecesOfAnySizeGiveTheSameEvents) {
  for (size_t size = 1; size < 40; ++size) EXPECT_EQ(parse(kStream, size), kEvents) << "pieces of " << size;
}

TEST(sse_parser, AnEventIsHandedOverAsSoonAsItsEmptyLineHasCome) {
  SseParser parser;
  int num_events = 0;
  const auto count = [&](std::string_view) { ++num_events; };
  EXPECT_TRUE(parser.feed("data: x\n", count));
  EXPECT_EQ(num_events, 0);
  EXPECT_TRUE(parser.feed("\n", count));
  EXPECT_EQ(num_events, 1);
}

TEST(sse_parser, AnEventWithoutEndIsGivenUp) {
  SseParser parser(100);
  bool fits = true;
  for (int i = 0; i < 20; ++i) fits = parser.feed("data: 0123456789", [](std::string_view) { FAIL(); });
  EXPECT_FALSE(fits);
}

TEST(sse_parser, ManyLinesOfOneEventCountTogether) {
  SseParser parser(100);
  bool fits = true;
  for (int i = 0; i < 20; ++i) fits = parser.feed("data: 0123456789\n", [](std::string_view) { FAIL(); });
  EXPECT_FALSE(fits);
}

}  // namespace
}  // namespace spyhop
