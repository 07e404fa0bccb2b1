// The quantized tile by the dot product of bytes.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "runtime/kernels/quantized_tile.h"
#include "runtime/kernels/simd.h"

#define SPYHOP_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace spyhop::kernels {
namespace {

/// Rows whose sums in f32 fit into registers beside those in integers.
constexpr int kMostRows = 6;

constexpr int64_t kScalesAhead = 8;  // groups; a cache line each

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

/// sums += products of 4 bytes each. In assembly because g++ 12 copies every sum to another register around the intrinsic.
SPYHOP_VNNI SPYHOP_INLINE void add_products(__m512i& sums, __m512i weights, __m512i x) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(weights), "v"(x));
}

/// The weights of step `kStep` out of bytes that hold one (int8) or two (int4).
template <PackedFormat kFormat, int kStep>
SPYHOP_VNNI SPYHOP_INLINE __m512i weights_of_step(__m512i bytes) {
  if (kFormat == PackedFormat::kInt8) return bytes;
  const __m512i low_half = _mm512_set1_epi8(0x0f);
  return _mm512_and_si512(kStep == 0 ? bytes : _mm512_srli_epi16(bytes, 4), low_half);
}

template <int kRows, PackedFormat kFormat>
SPYHOP_VNNI SPYHOP_INLINE void rows_times_columns(const QuantizedTile& tile) {
  constexpr int kStepsPerBlock = kFormat == PackedFormat::kInt4 ? 2 : 1;
  constexpr int kBlocks = static_cast<int>(kQuantizedGroup / kStepBytes) / kStepsPerBlock;
  constexpr int kBlocksAtATime = 2 / kStepsPerBlock;  // two steps
  // With few rows each sum would wait for the one before; sums of integers may be split.
  constexpr int kChains = kRows <= 2 ? 2 : 1;
  const int64_t num_groups = tile.num_groups;
  const int64_t a_row_bytes = tile.a_row_bytes;
  const int64_t prefetch_step_bytes = tile.prefetch_step_bytes;
  const int8_t* a = tile.a;
  const int32_t* const a_offsets = tile.a_offsets;
  const float* const a_scales = tile.a_scales;
  const char* b = tile.b;
  const char* b_scales = tile.b_scales;
  const char* prefetch = tile.prefetch;
  __m512i bytes_first = _mm512_setzero_si512();
  __m512i bytes_second = bytes_first;
  __m512 result_first[kRows];
  __m512 result_second[kRows];
  for (int row = 0; row < kRows; ++row) result_first[row] = result_second[row] = _mm512_setzero_ps();

  for (int64_t group = 0; group < num_groups; ++group) {
    __m512i first[kChains][kRows];
    __m512i second[kChains][kRows];
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      first[0][row] = second[0][row] = _mm512_set1_epi32(a_offsets[row * num_groups + group]);
      if (kChains == 2) first[kChains - 1][row] = second[kChains - 1][row] = _mm512_setzero_si512();
    }
    // Unrolled, a single row would get a fifth less of the memory's bandwidth.
#pragma GCC unroll 1
    for (int block = 0; block < kBlocks; block += kBlocksAtATime) {
#pragma GCC unroll 2
      for (int step = 0; step < 2; ++step) {
        if (step % kStepsPerBlock == 0) {
          bytes_first = _mm512_loadu_si512(b);
          bytes_second = _mm512_loadu_si512(b + kHalfTileBytes);
          b += 2 * kHalfTileBytes;
          _mm_prefetch(prefetch, _MM_HINT_T0);
          _mm_prefetch(prefetch + 64, _MM_HINT_T0);
          prefetch += prefetch_step_bytes;
        }
        const __m512i b_first = step == 0 ? weights_of_step<kFormat, 0>(bytes_first) : weights_of_step<kFormat, 1>(bytes_first);
        const __m512i b_second =
            step == 0 ? weights_of_step<kFormat, 0>(bytes_second) : weights_of_step<kFormat, 1>(bytes_second);
#pragma GCC unroll 12
        for (int row = 0; row < kRows; ++row) {
          const __m512i x = four_inputs(a + row * a_row_bytes);
          add_products(first[step % kChains][row], b_first, x);
          add_products(second[step % kChains][row], b_second, x);
        }
        a += kStepBytes;
      }
    }
    if (kChains == 2) {
#pragma GCC unroll 12
      for (int row = 0; row < kRows; ++row) {
        first[0][row] = _mm512_add_epi32(first[0][row], first[kChains - 1][row]);
        second[0][row] = _mm512_add_epi32(second[0][row], second[kChains - 1][row]);
      }
    }
    _mm_prefetch(b_scales + kScalesAhead * kTileColumns * 2, _MM_HINT_T0);
    const __m512 scale_first = sixteen_scales(b_scales);
    const __m512 scale_second = sixteen_scales(b_scales + kHalfTile * 2);
    b_scales += kTileColumns * 2;
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      const __m512 a_scale = _mm512_set1_ps(a_scales[row * num_groups + group]);
      const __m512 sum_first = _mm512_maskz_cvtepi32_ps(kAll, first[0][row]);
      const __m512 sum_second = _mm512_maskz_cvtepi32_ps(kAll, second[0][row]);
      result_first[row] = _mm512_fmadd_ps(sum_first, _mm512_mul_ps(scale_first, a_scale), result_first[row]);
      result_second[row] = _mm512_fmadd_ps(sum_second, _mm512_mul_ps(scale_second, a_scale), result_second[row]);
    }
  }
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row) {
    _mm512_storeu_ps(tile.c + row * kTileColumns, result_first[row]);
    _mm512_storeu_ps(tile.c + row * kTileColumns + kHalfTile, result_second[row]);
  }
}

template <PackedFormat kFormat>
SPYHOP_VNNI SPYHOP_INLINE void few_rows(const QuantizedTile& tile) {
  static_assert(kMostRows == 6);
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
    default:
      return rows_times_columns<6, kFormat>(tile);
  }
}

/// In parts of even size.
template <PackedFormat kFormat>
SPYHOP_VNNI SPYHOP_INLINE void quantized_tile(const QuantizedTile& tile) {
  const int64_t num_parts = (tile.num_rows - 1) / kMostRows + 1;
  QuantizedTile part = tile;
  for (int64_t index = 0, row = 0; index < num_parts; ++index, row += part.num_rows) {
    part.num_rows = (tile.num_rows - row - 1) / (num_parts - index) + 1;
    part.a = tile.a + row * tile.a_row_bytes;
    part.a_scales = tile.a_scales + row * tile.num_groups;
    part.a_offsets = tile.a_offsets + row * tile.num_groups;
    part.c = tile.c + row * kTileColumns;
    few_rows<kFormat>(part);
    part.prefetch_step_bytes = 0;  // that is done
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
