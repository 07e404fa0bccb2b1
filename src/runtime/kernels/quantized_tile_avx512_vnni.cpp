// The quantized tile by the dot product of bytes.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "runtime/kernels/quantized_tile.h"
#include "runtime/kernels/simd.h"

#define SPYHOP_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace spyhop::kernels {
namespace {

/// Rows whose sums in f32 stay in registers beside those in integers.
constexpr int kMostRowsInRegisters = 6;

/// The unmasked forms of some instructions raise g++'s warning of an uninitialised value.
constexpr __mmask16 kAll = 0xffff;

SPYHOP_VNNI SPYHOP_INLINE __m512i four_inputs(const int8_t* a) {
  int32_t bytes;
  std::memcpy(&bytes, a, sizeof bytes);
  return _mm512_set1_epi32(bytes);
}

SPYHOP_VNNI SPYHOP_INLINE __m512 sixteen_scales(const char* scales) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales));
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, bits), 16));
}

/// The exact sums of one group.
template <int kRows>
struct GroupSums {
  __m512i first[kRows];   // 16 columns
  __m512i second[kRows];  // the other 16

  SPYHOP_VNNI SPYHOP_INLINE void add_step(const int8_t* a, int64_t a_row_bytes, __m512i b_first, __m512i b_second) {
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      const __m512i x = four_inputs(a + row * a_row_bytes);
      first[row] = _mm512_dpbusd_epi32(first[row], b_first, x);
      second[row] = _mm512_dpbusd_epi32(second[row], b_second, x);
    }
  }
};

template <int kRows, PackedFormat kFormat>
SPYHOP_VNNI SPYHOP_INLINE void rows_times_columns(const QuantizedTile& tile) {
  constexpr bool kIsInt4 = kFormat == PackedFormat::kInt4;
  constexpr bool kInRegisters = kRows <= kMostRowsInRegisters;
  const __m512i low_half = _mm512_set1_epi8(0x0f);
  __m512 results[2 * (kInRegisters ? kRows : 1)];
  if (kInRegisters) {
    for (__m512& result : results) result = _mm512_setzero_ps();
  } else {
    std::memset(tile.c, 0, sizeof(float) * kRows * kTileColumns);
  }
  const int8_t* a = tile.a;
  const char* b = tile.b;
  const char* prefetch = tile.prefetch;
  const int64_t a_row_bytes = tile.a_row_bytes;
  const int64_t prefetch_step_bytes = tile.prefetch_step_bytes;
  for (int64_t group = 0; group < tile.num_groups; ++group) {
    GroupSums<kRows> sums;
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      sums.first[row] = sums.second[row] = _mm512_set1_epi32(tile.a_offsets[row * tile.num_groups + group]);
    }
    for (int64_t i = 0; i < kQuantizedGroup; i += kIsInt4 ? 2 * kStepBytes : kStepBytes) {
      const __m512i b_first = _mm512_loadu_si512(b);
      const __m512i b_second = _mm512_loadu_si512(b + kHalfTileBytes);
      b += 2 * kHalfTileBytes;
      _mm_prefetch(prefetch, _MM_HINT_T0);
      _mm_prefetch(prefetch + 64, _MM_HINT_T0);
      prefetch += prefetch_step_bytes;
      if (kIsInt4) {
        sums.add_step(a, a_row_bytes, _mm512_and_si512(b_first, low_half), _mm512_and_si512(b_second, low_half));
        sums.add_step(a + kStepBytes, a_row_bytes, _mm512_and_si512(_mm512_srli_epi16(b_first, 4), low_half),
                      _mm512_and_si512(_mm512_srli_epi16(b_second, 4), low_half));
        a += 2 * kStepBytes;
      } else {
        sums.add_step(a, a_row_bytes, b_first, b_second);
        a += kStepBytes;
      }
    }
    const __m512 scale_first = sixteen_scales(tile.b_scales + group * kTileColumns * 2);
    const __m512 scale_second = sixteen_scales(tile.b_scales + group * kTileColumns * 2 + kHalfTile * 2);
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      const __m512 a_scale = _mm512_set1_ps(tile.a_scales[row * tile.num_groups + group]);
      const __m512 first = _mm512_maskz_cvtepi32_ps(kAll, sums.first[row]);
      const __m512 second = _mm512_maskz_cvtepi32_ps(kAll, sums.second[row]);
      if (kInRegisters) {
        results[2 * row] = _mm512_fmadd_ps(first, _mm512_mul_ps(scale_first, a_scale), results[2 * row]);
        results[2 * row + 1] = _mm512_fmadd_ps(second, _mm512_mul_ps(scale_second, a_scale), results[2 * row + 1]);
      } else {
        float* const c = tile.c + row * kTileColumns;
        _mm512_storeu_ps(c, _mm512_fmadd_ps(first, _mm512_mul_ps(scale_first, a_scale), _mm512_loadu_ps(c)));
        _mm512_storeu_ps(c + kHalfTile,
                         _mm512_fmadd_ps(second, _mm512_mul_ps(scale_second, a_scale), _mm512_loadu_ps(c + kHalfTile)));
      }
    }
  }
  if (!kInRegisters) return;
#pragma GCC unroll 12
  for (int i = 0; i < 2 * kRows; ++i) _mm512_storeu_ps(tile.c + i * kHalfTile, results[kInRegisters ? i : 0]);
}

template <PackedFormat kFormat>
SPYHOP_VNNI SPYHOP_INLINE void quantized_tile(const QuantizedTile& tile) {
  static_assert(kMaxTileRows == 12);
  switch (tile.num_rows) {
    case 1:
      return rows_times_columns<1, kFormat>(tile);
    case 2:
      return rows_times_columns<2, kFormat>(tile);
    case 3:
      return rows_times_columns<3, kFormat>(tile);
    case 4:
      return rows_times_columns<4, kFormat>(tile);
    case 5:
      return rows_times_columns<5, kFormat>(tile);
    case 6:
      return rows_times_columns<6, kFormat>(tile);
    case 7:
      return rows_times_columns<7, kFormat>(tile);
    case 8:
      return rows_times_columns<8, kFormat>(tile);
    case 9:
      return rows_times_columns<9, kFormat>(tile);
    case 10:
      return rows_times_columns<10, kFormat>(tile);
    case 11:
      return rows_times_columns<11, kFormat>(tile);
    default:
      return rows_times_columns<12, kFormat>(tile);
  }
}

}  // namespace

SPYHOP_VNNI void quantized_tile_avx512_vnni_int8(const QuantizedTile& tile) {
  quantized_tile<PackedFormat::kInt8>(tile);
}

SPYHOP_VNNI void quantized_tile_avx512_vnni_int4(const QuantizedTile& tile) {
  quantized_tile<PackedFormat::kInt4>(tile);
}

}  // namespace spyhop::kernels
#endif
