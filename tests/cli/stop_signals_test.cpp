#include "cli/stop_signals.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <csignal>
#include <thread>

namespace spyhop {
namespace {

using std::chrono::milliseconds;

TEST(StopSignals, AreTakenInTheirOrderByWhicheverThreadTheyReach) {
  StopSignals signals;
  EXPECT_EQ(signals.wait_for(milliseconds(0)), 0);

  std::raise(SIGTERM);
  std::thread other([] { pthread_kill(pthread_self(), SIGINT); });
  other.join();
  EXPECT_EQ(signals.wait(), SIGTERM);
  EXPECT_EQ(signals.wait_for(milliseconds(1000)), SIGINT);
  EXPECT_EQ(signals.wait_for(milliseconds(0)), 0);

  std::thread late([waiting = pthread_self()] {
    std::this_thread::sleep_for(milliseconds(20));
    pthread_kill(waiting, SIGTERM);  // interrupts the system call that waits
  });
  EXPECT_EQ(signals.wait(), SIGTERM);
  late.join();
}

}  // namespace
}  // namespace spyhop
