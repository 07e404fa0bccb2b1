// The dot tile by the bf16 dot product instruction: two products of a step at a time, in one rounding order for all rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"

#define SPYHOP_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace spyhop::kernels {
namespace {

template <int kRows>
SPYHOP_AVX512_BF16 SPYHOP_INLINE void rows_times_columns(const DotTile& tile) {
  __m512 first[kRows];
  __m512 second[kRows];
  for (int row = 0; row < kRows; ++row) first[row] = second[row] = _mm512_setzero_ps();
  const char* a = tile.a;
  const int64_t a_row_bytes = tile.a_row_bytes;
  const int64_t b_step_bytes = tile.b_step_bytes;
  const int64_t b_second_bytes = tile.b_second_bytes;
  const int64_t prefetch_step_bytes = tile.prefetch_step_bytes;
  const char* prefetch = tile.prefetch;
  for (int64_t segment = 0; segment < tile.num_segments; ++segment) {
    const char* b = tile.segments[segment] + tile.segment_offset;
    for (int64_t step = 0; step < tile.steps; ++step) {
      const __m512bh b_first = (__m512bh)_mm512_loadu_si512(b);
      const __m512bh b_second = (__m512bh)_mm512_loadu_si512(b + b_second_bytes);
      _mm_prefetch(prefetch, _MM_HINT_T0);
      _mm_prefetch(prefetch + 64, _MM_HINT_T0);
      prefetch += prefetch_step_bytes;
      b += b_step_bytes;
#pragma GCC unroll 12
      for (int row = 0; row < kRows; ++row) {
        int32_t pair;
        std::memcpy(&pair, a + row * a_row_bytes, sizeof pair);
        const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
        first[row] = _mm512_dpbf16_ps(first[row], x, b_first);
        second[row] = _mm512_dpbf16_ps(second[row], x, b_second);
      }
      a += kStepBytes;
    }
  }
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row) {
    _mm512_storeu_ps(tile.c + row * kTileColumns, first[row]);
    _mm512_storeu_ps(tile.c + row * kTileColumns + kHalfTile, second[row]);
  }
}

}  // namespace

SPYHOP_AVX512_BF16 void dot_tile_avx512_bf16_native(const DotTile& tile) {
  static_assert(kMaxTileRows == 12);
  switch (tile.num_rows) {
    case 1:
      return rows_times_columns<1>(tile);
    case 2:
      return rows_times_columns<2>(tile);
    case 3:
      return rows_times_columns<3>(tile);
    case 4:
      return rows_times_columns<4>(tile);
    case 5:
      return rows_times_columns<5>(tile);
    case 6:
      return rows_times_columns<6>(tile);
    case 7:
      return rows_times_columns<7>(tile);
    case 8:
      return rows_times_columns<8>(tile);
    case 9:
      return rows_times_columns<9>(tile);
    case 10:
      return rows_times_columns<10>(tile);
    case 11:
      return rows_times_columns<11>(tile);
    default:
      return rows_times_columns<12>(tile);
  }
}

}  // namespace spyhop::kernels
#endif
