// The quantized tile without dot product instructions: products of bytes are summed in pairs of 16 bits, which hold them as
// long as both factors are within -127 .. 127.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "runtime/kernels/quantized_tile.h"
#include "runtime/kernels/simd.h"

#define SPYHOP_AVX2 __attribute__((target("avx2,fma")))

namespace spyhop::kernels {
namespace {

constexpr int kVectors = 4;  // of 8 columns
constexpr int kVectorBytes = 32;

/// sums += a . b for 8 columns of 4 inputs each; b: signed bytes.
SPYHOP_AVX2 SPYHOP_INLINE __m256i add_step(__m256i sums, __m256i a, __m256i b) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

SPYHOP_AVX2 SPYHOP_INLINE __m256i four_inputs(const int8_t* a) {
  int32_t bytes;
  std::memcpy(&bytes, a, sizeof bytes);
  return _mm256_set1_epi32(bytes);
}

SPYHOP_AVX2 SPYHOP_INLINE __m256i load(const char* b, int vector) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + vector * kVectorBytes));
}

template <PackedFormat kFormat>
SPYHOP_AVX2 SPYHOP_INLINE void add_group(const int8_t* a, const char*& b, const char*& prefetch, int64_t prefetch_step,
                                         __m256i* sums) {
  constexpr bool kIsInt4 = kFormat == PackedFormat::kInt4;
  const __m256i low_half = _mm256_set1_epi8(0x0f);
  const __m256i zero = _mm256_set1_epi8(kIsInt4 ? 8 : -128);
  for (int64_t i = 0; i < kQuantizedGroup; i += kIsInt4 ? 2 * kStepBytes : kStepBytes) {
    _mm_prefetch(prefetch, _MM_HINT_T0);
    _mm_prefetch(prefetch + 64, _MM_HINT_T0);
    prefetch += prefetch_step;
    const __m256i first = four_inputs(a + i);
    const __m256i second = kIsInt4 ? four_inputs(a + i + kStepBytes) : first;
    for (int v = 0; v < kVectors; ++v) {
      const __m256i bytes = load(b, v);
      if (kIsInt4) {
        const __m256i low = _mm256_and_si256(bytes, low_half);
        const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
        sums[v] = add_step(sums[v], first, _mm256_sub_epi8(low, zero));
        sums[v] = add_step(sums[v], second, _mm256_sub_epi8(high, zero));
      } else {
        sums[v] = add_step(sums[v], first, _mm256_sub_epi8(bytes, zero));
      }
    }
    b += kVectors * kVectorBytes;
  }
}

template <PackedFormat kFormat>
SPYHOP_AVX2 SPYHOP_INLINE void one_row(const QuantizedTile& tile, int64_t row) {
  __m256 results[kVectors];
  for (__m256& result : results) result = _mm256_setzero_ps();
  const char* b = tile.b;
  const char* prefetch = tile.prefetch;
  for (int64_t group = 0; group < tile.num_groups; ++group) {
    __m256i sums[kVectors];
    for (__m256i& sum : sums) sum = _mm256_setzero_si256();
    add_group<kFormat>(tile.a + row * tile.a_row_bytes + group * kQuantizedGroup, b, prefetch, tile.prefetch_step_bytes, sums);
    const __m256 a_scale = _mm256_set1_ps(tile.a_scales[row * tile.num_groups + group]);
    const char* const scales = tile.b_scales + group * kTileColumns * 2;
    for (int v = 0; v < kVectors; ++v) {
      const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + v * 16));
      const __m256 scale = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
      results[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[v]), _mm256_mul_ps(scale, a_scale), results[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(tile.c + row * kTileColumns + v * 8, results[v]);
}

}  // namespace

SPYHOP_AVX2 void quantized_tile_avx2_int8(const QuantizedTile& tile) {
  for (int64_t row = 0; row < tile.num_rows; ++row) one_row<PackedFormat::kInt8>(tile, row);
}

SPYHOP_AVX2 void quantized_tile_avx2_int4(const QuantizedTile& tile) {
  for (int64_t row = 0; row < tile.num_rows; ++row) one_row<PackedFormat::kInt4>(tile, row);
}

}  // namespace spyhop::kernels
#endif
