#if defined(__x86_64__)
#include "runtime/kernels/logits_loops.h"

#define SPYHOP_AVX2 __attribute__((target("avx2")))

namespace spyhop::kernels {
namespace {

constexpr int kBytes = 32;

SPYHOP_AVX2 float maximum(const float* values, int64_t count, float* block_maxima) {
  return loops::maximum<kBytes>(values, count, block_maxima);
}

SPYHOP_AVX2 void shares(const float* logits, int64_t count, const ShareScale& scale, float* shares, double* block_sums) {
  loops::shares<kBytes>(logits, count, scale, shares, block_sums);
}

SPYHOP_AVX2 void sum_blocks(const float* values, int64_t count, double* block_sums) {
  loops::sum_blocks<kBytes>(values, count, block_sums);
}

SPYHOP_AVX2 void sums_below(const float* values, int64_t count, const float* thresholds, double* sums) {
  loops::sums_below<kBytes>(values, count, thresholds, sums);
}

SPYHOP_AVX2 int64_t collect(const float* values, int64_t count, const ValueRange& range, int32_t* positions, float* found) {
  return loops::collect(values, count, range, positions, found);
}

}  // namespace

const LogitKernels kAvx2LogitKernels = {maximum, shares, sum_blocks, sums_below, collect};

}  // namespace spyhop::kernels
#endif
