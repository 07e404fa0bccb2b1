#include "runtime/thread_pool.h"

#include <chrono>
#include <system_error>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace spyhop {
namespace {

constexpr std::chrono::microseconds kSpin{40};
constexpr int kLooksPerClock = 32;  // reading the clock costs more than looking

thread_local ThreadPool* pool_of_thread = nullptr;

void pause_core() {
#ifdef __x86_64__
  _mm_pause();
#endif
}

/// Looks for some microseconds whether `holds`.
template <typename Condition>
bool spin_until(const Condition& holds) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kLooksPerClock; ++i) {
      if (holds()) return true;
      pause_core();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  for (int i = 1; i < num_threads; ++i) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      break;  // those there are do it all
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_workers_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

// A worker first says that it is inside, then looks whether the loop is open; the caller first closes the loop, then looks
// whether somebody is inside. Both in the one order of sequentially consistent operations: so either the caller waits for the
// worker or the worker stays away from a loop that is over. The same holds for going to sleep and waking.

void ThreadPool::run_loop(const Loop& loop) {
  if (loop.num_chunks <= 0) return;
  loop_ = loop;
  next_chunk_ = 0;
  open_ = true;
  ++opened_;
  if (num_asleep_ > 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    wake_workers_.notify_all();
  }
  claim_chunks();
  open_ = false;
  wait_for_workers();
}

void ThreadPool::claim_chunks() {
  for (int64_t chunk = next_chunk_++; chunk < loop_.num_chunks; chunk = next_chunk_++) loop_.call(loop_.context, chunk);
}

void ThreadPool::wait_for_workers() {
  const auto all_left = [this] { return num_inside_ == 0; };
  if (spin_until(all_left)) return;
  std::unique_lock<std::mutex> lock(mutex_);
  caller_asleep_ = true;
  wake_caller_.wait(lock, all_left);
  caller_asleep_ = false;
}

bool ThreadPool::wait_for_loop(uint64_t seen) {
  const auto is_due = [this, seen] { return opened_ != seen || stopping_; };
  if (!spin_until(is_due)) {
    std::unique_lock<std::mutex> lock(mutex_);
    ++num_asleep_;
    wake_workers_.wait(lock, is_due);
    --num_asleep_;
  }
  return !stopping_;
}

void ThreadPool::work() {
  uint64_t seen = 0;
  while (wait_for_loop(seen)) {
    seen = opened_;
    ++num_inside_;
    if (open_) claim_chunks();
    if (--num_inside_ == 0 && caller_asleep_) {
      const std::lock_guard<std::mutex> lock(mutex_);
      wake_caller_.notify_one();
    }
  }
}

UsePool::UsePool(ThreadPool& pool) : previous_(pool_of_thread) {
  pool_of_thread = &pool;
}

UsePool::~UsePool() {
  pool_of_thread = previous_;
}

ThreadPool* current_pool() {
  return pool_of_thread;
}

int num_compute_threads() {
  return pool_of_thread == nullptr ? 1 : pool_of_thread->num_threads();
}

}  // namespace spyhop
