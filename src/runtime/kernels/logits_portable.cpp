#include "runtime/kernels/logits_loops.h"

namespace spyhop::kernels {
namespace {

constexpr int kBytes = 16;

float maximum(const float* values, int64_t count, float* block_maxima) {
  return loops::maximum<kBytes>(values, count, block_maxima);
}

void shares(const float* logits, int64_t count, const ShareScale& scale, float* shares, double* block_sums) {
  loops::shares<kBytes>(logits, count, scale, shares, block_sums);
}

void sum_blocks(const float* values, int64_t count, double* block_sums) {
  loops::sum_blocks<kBytes>(values, count, block_sums);
}

void sums_below(const float* values, int64_t count, const float* thresholds, double* sums) {
  loops::sums_below<kBytes>(values, count, thresholds, sums);
}

int64_t collect(const float* values, int64_t count, const ValueRange& range, int32_t* positions, float* found) {
  return loops::collect(values, count, range, positions, found);
}

}  // namespace

const LogitKernels kPortableLogitKernels = {maximum, shares, sum_blocks, sums_below, collect};

}  // namespace spyhop::kernels
