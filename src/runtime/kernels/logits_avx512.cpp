#if defined(__x86_64__)
#include <immintrin.h>

#include "runtime/kernels/logits_loops.h"

#define SPYHOP_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

namespace spyhop::kernels {
namespace {

constexpr int kBytes = 64;

SPYHOP_AVX512 float maximum(const float* values, int64_t count, float* block_maxima) {
  return loops::maximum<kBytes>(values, count, block_maxima);
}

SPYHOP_AVX512 void shares(const float* logits, int64_t count, const ShareScale& scale, float* shares, double* block_sums) {
  loops::shares<kBytes>(logits, count, scale, shares, block_sums);
}

SPYHOP_AVX512 void sum_blocks(const float* values, int64_t count, double* block_sums) {
  loops::sum_blocks<kBytes>(values, count, block_sums);
}

SPYHOP_AVX512 void sums_below(const float* values, int64_t count, const float* thresholds, double* sums) {
  loops::sums_below<kBytes>(values, count, thresholds, sums);
}

SPYHOP_AVX512 int64_t collect(const float* values, int64_t count, const ValueRange& range, int32_t* positions, float* found) {
  const __m512 least = _mm512_set1_ps(range.least);
  const __m512 most = _mm512_set1_ps(range.most);
  const __m512i step = _mm512_set1_epi32(loops::kLanes);
  __m512i position = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int64_t num_found = 0;
  const int64_t whole = count / loops::kLanes * loops::kLanes;
  for (int64_t begin = 0; begin < whole; begin += loops::kLanes) {
    const __m512 value = _mm512_loadu_ps(values + begin);
    const __mmask16 not_below = _mm512_cmp_ps_mask(value, least, _CMP_GE_OQ);
    const __mmask16 wanted = _mm512_mask_cmp_ps_mask(not_below, value, most, _CMP_LE_OQ);
    const __m512i at = position;
    position = _mm512_add_epi32(position, step);
    if (wanted == 0) continue;
    // Whole vectors are stored, which is faster: what lies behind those wanted is overwritten, and there is room for it.
    _mm512_storeu_ps(found + num_found, _mm512_maskz_compress_ps(wanted, value));
    _mm512_storeu_si512(positions + num_found, _mm512_maskz_compress_epi32(wanted, at));
    num_found += __builtin_popcount(wanted);
  }
  for (int64_t i = whole; i < count; ++i) {
    if (!(values[i] >= range.least && values[i] <= range.most)) continue;
    positions[num_found] = static_cast<int32_t>(i);
    found[num_found++] = values[i];
  }
  return num_found;
}

}  // namespace

const LogitKernels kAvx512LogitKernels = {maximum, shares, sum_blocks, sums_below, collect};

}  // namespace spyhop::kernels
#endif
