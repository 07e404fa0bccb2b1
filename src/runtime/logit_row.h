// The logits from which one token is chosen.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "runtime/kernels/logits.h"

namespace spyhop {

/// Some tokens with a number each, in the order of their ids.
class TokenList {
 public:
  explicit TokenList(int64_t capacity);

  int32_t* ids() const { return ids_; }
  float* values() const { return values_; }
  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Of the numbers values[0 .. count - 1] those in `range`; their positions are the ids. `count` must not exceed the capacity;
  /// `values` may be values().
  void collect(const float* values, int64_t count, const kernels::ValueRange& range);

  /// Leaves the tokens for which keep(index) holds; called once for each, in their order.
  template <typename Keep>
  void filter(const Keep& keep) {
    int64_t num_kept = 0;
    for (int64_t i = 0; i < size_; ++i) {
      const bool is_kept = keep(i);
      ids_[num_kept] = ids_[i];
      values_[num_kept] = values_[i];
      num_kept += is_kept ? 1 : 0;
    }
    size_ = num_kept;
  }

 private:
  at::Tensor id_memory_;     // [capacity] int32
  at::Tensor value_memory_;  // [capacity] f32
  int32_t* ids_ = nullptr;
  float* values_ = nullptr;
  int64_t size_ = 0;
};

/// A view of [vocab_size] f32, which must outlive it, with the maxima of its blocks.
class LogitRow {
 public:
  /// Throws Error{kInternal} when the largest logit is not finite. NaN is never the largest.
  LogitRow(const float* logits, int64_t count);

  const float* data() const { return logits_; }
  int64_t size() const { return count_; }
  float best() const { return best_; }

  /// The lowest id among those with the largest logit.
  int32_t best_id() const;

  /// A number that at least k logits reach, and few more do where k is small beside the number of blocks; minus infinity for
  /// larger k.
  float reached_by(int k) const;

 private:
  const float* logits_;
  int64_t count_;
  std::vector<float> block_maxima_;
  float best_;
};

}  // namespace spyhop
