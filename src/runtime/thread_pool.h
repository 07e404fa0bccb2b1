// The compute threads of a runtime.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace spyhop {

/// A fixed set of threads that do the chunks of one loop at a time together with the caller. Chunks are claimed one by one, so
/// a thread that loses its core holds up the chunk it is at and nothing else; a thread that does not even wake in time is not
/// waited for. Idle threads spin for some microseconds, then sleep.
/// Thread safety: one thread at a time may call run().
class ThreadPool {
 public:
  /// `num_threads`: the caller of run() counts as one of them; at least 1. Fewer are used when the system has no more to give.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(chunk) once for each chunk in 0 .. num_chunks - 1, from several threads at once, and returns when all are done.
  /// The body must not throw, nor call run().
  template <typename Body>
  void run(int64_t num_chunks, const Body& body) {
    static_assert(std::is_invocable_v<const Body&, int64_t>);
    run_loop({[](const void* context, int64_t chunk) { (*static_cast<const Body*>(context))(chunk); }, &body, num_chunks});
  }

 private:
  struct Loop {
    void (*call)(const void* context, int64_t chunk) = nullptr;
    const void* context = nullptr;
    int64_t num_chunks = 0;
  };
  void run_loop(const Loop& loop);
  void work();
  void claim_chunks();
  bool wait_for_loop(uint64_t seen);
  void wait_for_workers();

  Loop loop_;  // written only while no loop is open
  std::atomic<int64_t> next_chunk_{0};
  std::atomic<uint64_t> opened_{0};  // loops begun so far
  std::atomic<bool> open_{false};    // whether workers may still join the loop
  std::atomic<int> num_inside_{0};   // workers that look at loop_
  std::atomic<int> num_asleep_{0};
  std::atomic<bool> caller_asleep_{false};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_workers_;
  std::condition_variable wake_caller_;
  std::vector<std::thread> workers_;
};

/// Makes a pool the one that parallel_for takes on this thread, for as long as the object lives.
class UsePool {
 public:
  explicit UsePool(ThreadPool& pool);
  ~UsePool();
  UsePool(const UsePool&) = delete;
  UsePool& operator=(const UsePool&) = delete;

 private:
  ThreadPool* previous_;
};

/// The pool of the calling thread; null without one.
ThreadPool* current_pool();

/// Threads that parallel_for has on this thread; 1 without a pool.
int num_compute_threads();

/// body(chunk) for each chunk, on this thread's pool; one after the other where there is none.
template <typename Body>
void parallel_for(int64_t num_chunks, const Body& body) {
  ThreadPool* const pool = current_pool();
  if (pool != nullptr && num_chunks > 1) {
    pool->run(num_chunks, body);
    return;
  }
  for (int64_t chunk = 0; chunk < num_chunks; ++chunk) body(chunk);
}

/// body(begin, end) over ranges of 0 .. count - 1 that hold at least `grain` items each but for the last.
template <typename Body>
void parallel_ranges(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  const int64_t num_wanted = int64_t{4} * num_compute_threads();
  const int64_t size = count / num_wanted > grain ? (count - 1) / num_wanted + 1 : grain;
  parallel_for((count - 1) / size + 1,
               [&](int64_t chunk) { body(chunk * size, chunk * size + size < count ? chunk * size + size : count); });
}

}  // namespace spyhop
