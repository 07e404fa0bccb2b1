#include "common/low_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace spyhop {
namespace {

int niceness() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)));
}

TEST(LowPriority, WorkRunsBehindOthersAndThisThreadStaysAsItWas) {
  const int before = niceness();
  EXPECT_GE(at_low_priority(niceness), std::min(before + 1, 19));
  EXPECT_EQ(niceness(), before);
}

TEST(LowPriority, HandsOverResultsAndErrors) {
  EXPECT_EQ(at_low_priority([] { return std::string("done"); }), "done");
  EXPECT_THROW(at_low_priority([]() -> int { throw std::out_of_range("x"); }), std::out_of_range);
}

}  // namespace
}  // namespace spyhop
