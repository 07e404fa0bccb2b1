// The dot tile by the bf16 dot product instruction: two products of a step at a time, in one rounding order for all rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"

#define SPYHOP_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace spyhop::kernels {
namespace {

template <int kRows, bool kIsHalf>
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
      const __m512bh b_second = kIsHalf ? b_first : (__m512bh)_mm512_loadu_si512(b + b_second_bytes);
      _mm_prefetch(prefetch, _MM_HINT_T0);
      _mm_prefetch(prefetch + 64, _MM_HINT_T0);
      prefetch += prefetch_step_bytes;
      b += b_step_bytes;
#pragma GCC unroll 14
      for (int row = 0; row < kRows; ++row) {
        int32_t pair;
        std::memcpy(&pair, a + row * a_row_bytes, sizeof pair);
        const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
        first[row] = _mm512_dpbf16_ps(first[row], x, b_first);
        if (!kIsHalf) second[row] = _mm512_dpbf16_ps(second[row], x, b_second);
      }
      a += kStepBytes;
    }
  }
#pragma GCC unroll 14
  for (int row = 0; row < kRows; ++row) {
    _mm512_storeu_ps(tile.c + row * tile.c_stride, first[row]);
    if (!kIsHalf) _mm512_storeu_ps(tile.c + row * tile.c_stride + kHalfTile, second[row]);
  }
}

using TileFunction = void (*)(const DotTile& tile);

template <int kRows>
SPYHOP_AVX512_BF16 void rows(const DotTile& tile) {
  if (tile.is_half) return rows_times_columns<kRows, true>(tile);
  rows_times_columns<kRows, false>(tile);
}

}  // namespace

void dot_tile_avx512_bf16_native(const DotTile& tile) {
  static_assert(kMaxTileRows == 14);
  static constexpr TileFunction kByRows[] = {nullptr, rows<1>, rows<2>,  rows<3>,  rows<4>,  rows<5>,  rows<6>, rows<7>,
                                             rows<8>, rows<9>, rows<10>, rows<11>, rows<12>, rows<13>, rows<14>};
  kByRows[tile.num_rows](tile);
}

}  // namespace spyhop::kernels
#endif
