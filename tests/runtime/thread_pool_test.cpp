#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace spyhop {
namespace {

TEST(ThreadPool, DoesEveryChunkOnceInEveryLoop) {
  for (const int num_threads : {1, 2, 5}) {
    ThreadPool pool(num_threads);
    EXPECT_EQ(pool.num_threads(), num_threads);
    for (int64_t loop = 0; loop < 2000; ++loop) {
      std::vector<int> done(static_cast<size_t>(loop % 17), 0);
      pool.run(static_cast<int64_t>(done.size()), [&](int64_t chunk) { ++done[static_cast<size_t>(chunk)]; });
      ASSERT_EQ(done, std::vector<int>(done.size(), 1)) << loop;
    }
  }
}

TEST(ThreadPool, SeesWhatTheCallerWroteAndTheCallerWhatItWrote) {
  ThreadPool pool(3);
  std::vector<int64_t> values(1000);
  for (int64_t loop = 1; loop <= 200; ++loop) {
    std::iota(values.begin(), values.end(), loop);
    pool.run(1000, [&](int64_t chunk) { values[static_cast<size_t>(chunk)] *= 2; });
    ASSERT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), 2 * (1000 * loop + 999 * 500)) << loop;
  }
}

TEST(ThreadPool, OthersWorkWhileOneChunkTakesLong) {
  ThreadPool pool(2);
  std::atomic<int> num_done{0};
  pool.run(100, [&](int64_t chunk) {
    if (chunk == 0) {
      while (num_done < 99) std::this_thread::yield();  // for ever, if the others waited for this one
    }
    ++num_done;
  });
  EXPECT_EQ(num_done, 100);
}

TEST(ThreadPool, WakesThreadsThatFellAsleep) {
  ThreadPool pool(2);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> num_inside{0};
    pool.run(2, [&](int64_t) {
      ++num_inside;
      while (num_inside < 2) std::this_thread::yield();  // for ever, if the caller were alone
    });
  }
}

TEST(ParallelFor, TakesTheThreadsPoolAndWorksWithoutOne) {
  std::atomic<int> sum{0};
  parallel_for(10, [&](int64_t chunk) { sum += static_cast<int>(chunk); });
  EXPECT_EQ(sum, 45);
  EXPECT_EQ(num_compute_threads(), 1);
  ThreadPool pool(3);
  {
    const UsePool use_pool(pool);
    EXPECT_EQ(num_compute_threads(), 3);
    parallel_for(10, [&](int64_t chunk) { sum += static_cast<int>(chunk); });
    EXPECT_EQ(sum, 90);
  }
  EXPECT_EQ(current_pool(), nullptr);
}

TEST(ParallelRanges, CoverEverythingOnceInGrainsOrMore) {
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  for (const int64_t count : {0, 1, 7, 8, 9, 1000}) {
    std::mutex mutex;
    std::set<std::pair<int64_t, int64_t>> ranges;
    parallel_ranges(count, 8, [&](int64_t begin, int64_t end) {
      const std::lock_guard<std::mutex> lock(mutex);
      ranges.emplace(begin, end);
    });
    int64_t next = 0;
    for (const auto& [begin, end] : ranges) {
      EXPECT_EQ(begin, next);
      EXPECT_TRUE(end - begin >= 8 || end == count);
      next = end;
    }
    EXPECT_EQ(next, count);
  }
}

}  // namespace
}  // namespace spyhop
