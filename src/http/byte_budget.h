// A bound on the memory that requests may take together.
#pragma once

#include <atomic>
#include <cstddef>

namespace spyhop {

/// Thread safety: any thread, each Share by one.
class ByteBudget {
 public:
  explicit ByteBudget(size_t limit) : left_(limit) {}

  /// What one request holds; given back by the destructor.
  class Share {
   public:
    explicit Share(ByteBudget& budget) : budget_(budget) {}
    ~Share() { budget_.left_ += held_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// Takes `bytes` more. False when they are not to be had.
    [[nodiscard]] bool grow(size_t bytes) {
      size_t left = budget_.left_;
      do {
        if (bytes > left) return false;
      } while (!budget_.left_.compare_exchange_weak(left, left - bytes));
      held_ += bytes;
      return true;
    }

   private:
    ByteBudget& budget_;
    size_t held_ = 0;
  };

 private:
  std::atomic<size_t> left_;
};

}  // namespace spyhop
