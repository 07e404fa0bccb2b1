#include "runtime/buffer_pool.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>

namespace spyhop {
namespace {

constexpr size_t kUnit = 16 << 10;  // bytes

TEST(BufferPool, GivesABufferOfLikeSizeAgain) {
  BufferPool pool(16 << 20);
  void* const first = pool.take(100 * kUnit);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % BufferPool::kAlignment, 0U);
  std::memset(first, 1, 100 * kUnit);
  pool.give_back(first);
  EXPECT_GE(pool.kept_bytes(), 100 * kUnit);
  EXPECT_LE(pool.kept_bytes(), 100 * kUnit * 9 / 8);
  EXPECT_EQ(pool.take(99 * kUnit), first);
  EXPECT_EQ(pool.kept_bytes(), 0U);
  pool.give_back(first);
  void* const other = pool.take(200 * kUnit);
  EXPECT_NE(other, first);
  pool.give_back(other);
}

TEST(BufferPool, BuffersAreApartAndHoldTheirBytes) {
  BufferPool pool(64 << 20);
  std::set<void*> seen;
  for (size_t bytes = 64; bytes < 3000 * kUnit; bytes = bytes * 5 / 4 + 1) {
    void* const buffer = pool.take(bytes);
    EXPECT_TRUE(seen.insert(buffer).second);
    std::memset(buffer, static_cast<int>(seen.size()), bytes);
  }
  int value = 0;
  for (void* const buffer : seen) value += *static_cast<unsigned char*>(buffer);
  EXPECT_EQ(value, static_cast<int>(seen.size() * (seen.size() + 1) / 2));
  for (void* const buffer : seen) pool.give_back(buffer);
}

TEST(BufferPool, KeepsNoMoreThanItMay) {
  BufferPool pool(300 * kUnit);
  std::vector<void*> buffers;
  for (int i = 0; i < 5; ++i) buffers.push_back(pool.take(128 * kUnit));
  for (void* const buffer : buffers) pool.give_back(buffer);
  EXPECT_EQ(pool.kept_bytes(), 256 * kUnit);
}

TEST(BufferPool, LetsGoOfWhatNobodyUses) {
  BufferPool pool(16 << 20);
  void* const rare = pool.take(8 << 20);
  pool.give_back(rare);
  const size_t before = pool.kept_bytes();
  for (int i = 0; i < 20000; ++i) pool.give_back(pool.take(100 * kUnit));
  EXPECT_GE(before, size_t{8} << 20);
  EXPECT_LT(pool.kept_bytes(), 200 * kUnit);
  EXPECT_GE(pool.kept_bytes(), 100 * kUnit);
}

TEST(BufferPool, SmallBuffersComeFromSlabsAndAreUsedAgain) {
  BufferPool pool(0);
  std::vector<void*> buffers;
  for (int i = 0; i < 100; ++i) buffers.push_back(pool.take(3 * kUnit));  // several slabs
  const std::set<void*> first(buffers.begin(), buffers.end());
  EXPECT_EQ(first.size(), 100U);
  for (void* const buffer : buffers) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer) % BufferPool::kAlignment, 0U);
    std::memset(buffer, 1, 3 * kUnit);
    pool.give_back(buffer);
  }
  for (void*& buffer : buffers) EXPECT_EQ(first.count(buffer = pool.take(3 * kUnit)), 1U);
  EXPECT_EQ(first.count(pool.take(3 * kUnit)), 0U);
  EXPECT_EQ(pool.kept_bytes(), 0U);
}

TEST(BufferPool, ServesManyThreads) {
  BufferPool pool(8 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (size_t i = 0; i < 200; ++i) {
        const size_t bytes = 64 + i % 7 * 20 * kUnit;
        auto* const buffer = static_cast<char*>(pool.take(bytes));
        buffer[0] = buffer[bytes - 1] = static_cast<char>(t);
        EXPECT_EQ(buffer[0], static_cast<char>(t));
        pool.give_back(buffer);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(BufferPool, TensorsOfAllSizesComeAndGo) {
  pool_tensor_memory();
  pool_tensor_memory();
  for (const int64_t size : {0, 1, 1000, 16384, 100000, 20000000}) {
    const at::Tensor tensor = at::full({size}, 2.0F);
    EXPECT_EQ(tensor.sum().item<float>(), 2.0F * static_cast<float>(size));
    EXPECT_TRUE(at::equal(tensor.clone(), tensor));
    // Some of ATen's operations ask for memory without a tensor around it.
    c10::Allocator* const allocator = c10::GetCPUAllocator();
    void* const raw = allocator->raw_allocate(static_cast<size_t>(size) * 4);
    allocator->raw_deallocate(raw);
  }
}

}  // namespace
}  // namespace spyhop
