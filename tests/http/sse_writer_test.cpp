#include "http/sse_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace spyhop {
namespace {

using std::chrono::milliseconds;

class sse_writer : public ::testing::Test {
 protected:
  sse_writer() {
    sink_.write = [this](const char* data, size_t size) {
      written_.append(data, size);
      ++num_writes_;
      return reachable_;
    };
  }

  httplib::DataSink sink_;
  std::string written_;
  int num_writes_ = 0;
  bool reachable_ = true;
};

TEST_F(sse_writer, FramesEvents) {
  SseWriter writer(sink_, milliseconds{1000});
  EXPECT_TRUE(writer.event(R"({"a":1})"));
  EXPECT_TRUE(writer.done());
  EXPECT_EQ(written_, "data: {\"a\":1}\n\ndata: [DONE]\n\n");
  EXPECT_EQ(num_writes_, 2);
}

TEST_F(sse_writer, PingsOnlyAfterSilence) {
  SseWriter writer(sink_, milliseconds{30});
  EXPECT_TRUE(writer.keep_alive());
  EXPECT_EQ(written_, "");
  std::this_thread::sleep_for(milliseconds{40});
  EXPECT_TRUE(writer.keep_alive());
  EXPECT_TRUE(writer.keep_alive());
  EXPECT_EQ(written_, ": ping\n\n");
}

TEST_F(sse_writer, WritesNothingAfterAFailure) {
  SseWriter writer(sink_, milliseconds{0});
  reachable_ = false;
  EXPECT_FALSE(writer.event("{}"));
  EXPECT_FALSE(writer.event("{}"));
  EXPECT_FALSE(writer.keep_alive());
  EXPECT_FALSE(writer.done());
  EXPECT_EQ(num_writes_, 1);
}

}  // namespace
}  // namespace spyhop
