// Work that is to give way.
#pragma once

#include <future>
#include <system_error>

namespace spyhop {

/// Puts the calling thread behind all others of usual priority, for the rest of its life: it may not take that back.
void lower_thread_priority();

/// Calls f on a thread that gives way to the compute threads, waits for it and returns or throws what it did. On this thread
/// where the system has no other.
template <typename F>
auto at_low_priority(const F& f) -> decltype(f()) {
  std::future<decltype(f())> result;
  try {
    result = std::async(std::launch::async, [&f] {
      lower_thread_priority();
      return f();
    });
  } catch (const std::system_error&) {
    return f();
  }
  return result.get();
}

}  // namespace spyhop
