#include "engine/retry_estimate.h"

#include <gtest/gtest.h>

namespace spyhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RetryEstimateTest : public ::testing::Test {
 protected:
  RetryEstimateTest() { estimate_.note_busy(now_); }

  /// An answer ends every `gap`.
  void end_answers(int num_answers, milliseconds gap) {
    for (int i = 0; i < num_answers; ++i) estimate_.note_ended(1, now_ += gap);
  }

  RetryEstimate::Clock::time_point now_ = RetryEstimate::Clock::now();
  RetryEstimate estimate_;
};

TEST_F(RetryEstimateTest, IsNeverLessThanASecond) {
  EXPECT_EQ(estimate_.seconds_until(1, now_), 1);
  end_answers(10, milliseconds(1));
  EXPECT_EQ(estimate_.seconds_until(8, now_), 1);
}

TEST_F(RetryEstimateTest, FollowsThePaceAtWhichAnswersEnd) {
  end_answers(5, seconds(3));
  EXPECT_EQ(estimate_.seconds_until(1, now_), 3);
  EXPECT_EQ(estimate_.seconds_until(4, now_), 12);
  end_answers(50, seconds(10));
  EXPECT_EQ(estimate_.seconds_until(1, now_), 10);
}

TEST_F(RetryEstimateTest, AnswersThatEndTogetherShareTheTime) {
  estimate_.note_ended(8, now_ += seconds(16));
  EXPECT_EQ(estimate_.seconds_until(1, now_), 2);
}

TEST_F(RetryEstimateTest, TimeWithoutWorkDoesNotCount) {
  end_answers(5, seconds(2));
  now_ += seconds(1000);
  estimate_.note_busy(now_);
  EXPECT_EQ(estimate_.seconds_until(1, now_), 2);
  end_answers(1, seconds(2));
  EXPECT_EQ(estimate_.seconds_until(1, now_), 2);
}

TEST_F(RetryEstimateTest, GrowsWhileNothingEnds) {
  end_answers(5, seconds(2));
  EXPECT_EQ(estimate_.seconds_until(1, now_ + seconds(25)), 25);
}

TEST_F(RetryEstimateTest, StaysBelowWhatClientsHeed) {
  EXPECT_EQ(estimate_.seconds_until(1, now_ + seconds(5000)), 60);
}

}  // namespace
}  // namespace spyhop
