// Where top_p cuts.
#pragma once

#include <cstdint>

namespace spyhop {

/// What top_p keeps: shares of at least `least`, but for the first `num_dropped` of those that equal it. The very first of the
/// largest shares is always kept, and is not counted among those dropped.
struct TopPCut {
  float least = 0;
  int64_t num_dropped = 0;
};

/// Sorted rising (ties by position), the shares are dropped whose running sum stays within 1 - top_p of the sum of all.
/// shares: [count] f32, from 0 to 1, the largest is 1. sum: of all of them.
/// Divides the shares by thresholds, sums what is below each, and goes on with those between two of them: the time is
/// that of some passes, whatever the shares.
TopPCut find_top_p_cut(const float* shares, int64_t count, double sum, double top_p);

}  // namespace spyhop
