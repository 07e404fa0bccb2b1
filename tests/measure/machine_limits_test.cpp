#include "measure/machine_limits.h"

#include <gtest/gtest.h>

#include <vector>

#include "measure/cpu_watch.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

TEST(MachineLimits, APlainReadCountsTheBytesOfAllRegions) {
  const std::vector<char> first(3 << 20, 1);
  const std::vector<char> second(100, 1);
  const std::vector<MemoryRegion> regions = {{first.data(), static_cast<int64_t>(first.size())},
                                             {second.data(), static_cast<int64_t>(second.size())}};
  EXPECT_EQ(total_bytes(regions), (3 << 20) + 100);
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  const Work read = plain_read(regions);
  EXPECT_EQ(read.amount, (3 << 20) + 100);
  EXPECT_GT(rate_of(read, 0.001), 0);
}

TEST(MachineLimits, ArithmeticGrowsWithTheThreads) {
  const auto amount = [](int num_threads) {
    ThreadPool pool(num_threads);
    const UsePool use_pool(pool);
    return register_arithmetic(Arithmetic::kBf16).amount;
  };
  EXPECT_DOUBLE_EQ(amount(2), 2 * amount(1));
}

TEST(MachineLimits, AProbeFindsSomethingOfEverything) {
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  const MachineProbe probe;
  const MachineState state = probe.take();
  for (const double rate :
       {state.read_bytes_per_s, state.read_bytes_per_s_one_thread, state.f32_flops, state.bf16_flops, state.int8_ops}) {
    EXPECT_GT(rate, 1e7);
    EXPECT_LT(rate, 1e16);
  }
  EXPECT_GT(rate_of(probe.copy(), 0.001), 1e7);
}

TEST(CpuWatch, OthersTakeNoMoreThanTheMachineHas) {
  const CpuWatch watch;
  volatile double sum = 0;
  for (int i = 0; i < 10'000'000; ++i) sum = sum + 1;
  EXPECT_GE(watch.others_cores(), 0);
  EXPECT_LE(watch.others_cores(), 4096);
}

}  // namespace
}  // namespace spyhop
