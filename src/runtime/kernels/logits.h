// Passes over the logits of one token, from which the sampler is built.
#pragma once

#include <cstdint>

namespace spyhop::kernels {

constexpr int64_t kLogitBlock = 256;  // logits that have a maximum and a sum of their own
constexpr int kNumThresholds = 4;     // of sums_below

constexpr int64_t num_logit_blocks(int64_t count) {
  return (count + kLogitBlock - 1) / kLogitBlock;
}

/// A logit's share of the probability: exp(logit / temperature - best), 0 where the logit is NaN.
struct ShareScale {
  float temperature = 1;
  float best = 0;  // the largest logit / temperature
};

/// Values from `least` to `most`, both included; never NaN.
struct ValueRange {
  float least = 0;
  float most = 0;
};

/// One pass each over [count] f32, on the calling thread. All instruction sets give the same bits: there is no fused
/// multiply-add, and a sum is that of 16 lanes in f64 (lane l takes the values l, l + 16, l + 32, ...), which are then added by
/// halves (8 to 8, 4 to 4, ...).
struct LogitKernels {
  /// The largest value, which is never NaN; minus infinity where there is none. block_maxima: [num_logit_blocks].
  float (*maximum)(const float* values, int64_t count, float* block_maxima);
  /// shares: [count], the logits themselves if need be, or null where only their sums are wanted. block_sums:
  /// [num_logit_blocks].
  void (*shares)(const float* logits, int64_t count, const ShareScale& scale, float* shares, double* block_sums);
  /// block_sums: [num_logit_blocks].
  void (*sum_blocks)(const float* values, int64_t count, double* block_sums);
  /// sums[i]: of the values below thresholds[i], all of them finite. Both [kNumThresholds].
  void (*sums_below)(const float* values, int64_t count, const float* thresholds, double* sums);
  /// Positions and values of those in `range`, in their order; both arrays have room for `count`, and `found` may be `values`.
  /// Returns how many there are.
  int64_t (*collect)(const float* values, int64_t count, const ValueRange& range, int32_t* positions, float* found);
};

/// Those of the instructions in use.
const LogitKernels& logit_kernels();

extern const LogitKernels kPortableLogitKernels;
#if defined(__x86_64__)
extern const LogitKernels kAvx2LogitKernels;
extern const LogitKernels kAvx512LogitKernels;
#endif

}  // namespace spyhop::kernels
