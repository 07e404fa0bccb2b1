// The resampler's inner loops with AVX2.
#include "prompt/image/resample_kernels.h"

#ifdef __x86_64__

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#define SPYHOP_AVX2 __attribute__((target("avx2")))

namespace spyhop {
namespace {

// The instruction that multiplies 16-bit pairs and adds them is the fastest one here, so a 24-bit weight is split into its high
// part and its low 12 bits, summed apart. Sums may wrap: they are only ever added modulo 2^32, and their total fits.
constexpr int kLowBits = 12;
constexpr int kRowsAtOnce = 4;  // share the preparation of the weights
constexpr int kTapsAtOnce = 4;
constexpr size_t kPadding = 32;  // bytes that a load may read behind a row

struct SplitWeights {
  __m256i high, low;
};

/// Four weights as 16-bit pairs: (w0, w1) throughout the lower half, (w2, w3) throughout the upper.
SPYHOP_AVX2 SplitWeights split(const int32_t* weights) {
  const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights));
  const __m128i high = _mm_srai_epi32(four, kLowBits);
  const __m128i low = _mm_and_si128(four, _mm_set1_epi32((1 << kLowBits) - 1));
  const __m256i spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  return {_mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_packs_epi32(high, high)), spread),
          _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_packs_epi32(low, low)), spread)};
}

/// Four RGB pixels as 16-bit pairs: r0 r1 g0 g1 b0 b1 in the lower half, r2 r3 g2 g3 b2 b3 in the upper.
SPYHOP_AVX2 __m256i load_pixel_pairs(const uint8_t* pixels) {
  const __m256i order = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels))), order);
}

SPYHOP_AVX2 void store_pixel(__m256i high, __m256i low, uint8_t* out) {
  const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kResampleHalf)), kResampleBits);
  const __m128i words = _mm_packs_epi32(sum, sum);
  const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  std::memcpy(out, &bytes, 3);
}

/// One output column of kRowsAtOnce rows.
SPYHOP_AVX2 void sum_window(const uint8_t* pixels, size_t stride, const ResampleWindow& window, uint8_t* out,
                            size_t out_stride) {
  __m256i high[kRowsAtOnce];
  __m256i low[kRowsAtOnce];
  for (int r = 0; r < kRowsAtOnce; ++r) high[r] = low[r] = _mm256_setzero_si256();
  pixels += static_cast<size_t>(window.first) * 3;
  for (int i = 0; i < window.count; i += kTapsAtOnce, pixels += 3 * kTapsAtOnce) {
    const SplitWeights weights = split(window.weights + i);
    for (int r = 0; r < kRowsAtOnce; ++r) {
      const __m256i pairs = load_pixel_pairs(pixels + static_cast<size_t>(r) * stride);
      high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(pairs, weights.high));
      low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(pairs, weights.low));
    }
  }
  for (int r = 0; r < kRowsAtOnce; ++r) store_pixel(high[r], low[r], out + static_cast<size_t>(r) * out_stride);
}

SPYHOP_AVX2 void horizontal(PixelRows rows, int width, int num_rows, const ResampleWindows& windows, uint8_t* out) {
  const size_t row_bytes = static_cast<size_t>(width) * 3;
  const size_t stride = row_bytes + kPadding;
  const size_t out_stride = static_cast<size_t>(windows.size()) * 3;
  std::vector<uint8_t> padded(stride * kRowsAtOnce);
  std::vector<uint8_t> results(out_stride * kRowsAtOnce);
  for (int y = 0; y < num_rows; y += kRowsAtOnce) {
    const auto count = static_cast<size_t>(std::min(kRowsAtOnce, num_rows - y));
    for (size_t r = 0; r < count; ++r) {
      std::memcpy(&padded[r * stride], rows.data + (static_cast<size_t>(y) + r) * rows.stride, row_bytes);
    }
    for (int x = 0; x < windows.size(); ++x) {
      sum_window(padded.data(), stride, windows[x], &results[static_cast<size_t>(x) * 3], out_stride);
    }
    std::memcpy(out + static_cast<size_t>(y) * out_stride, results.data(), count * out_stride);
  }
}

/// Columns [begin, begin + 16).
SPYHOP_AVX2 void sum_columns(const uint8_t* column, size_t stride, const ResampleWindow& window, uint8_t* out) {
  __m256i left = _mm256_set1_epi32(kResampleHalf);
  __m256i right = left;
  for (int i = 0; i < window.count; ++i, column += stride) {
    const __m128i samples = _mm_loadu_si128(reinterpret_cast<const __m128i*>(column));
    const __m256i weight = _mm256_set1_epi32(window.weights[i]);
    left = _mm256_add_epi32(left, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(samples), weight));
    right = _mm256_add_epi32(right, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(_mm_srli_si128(samples, 8)), weight));
  }
  const __m256i words = _mm256_packs_epi32(_mm256_srai_epi32(left, kResampleBits), _mm256_srai_epi32(right, kResampleBits));
  const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
}

SPYHOP_AVX2 void vertical(PixelRows rows, const ResampleWindow& window, uint8_t* out) {
  constexpr size_t kColumns = 16;
  if (rows.stride < kColumns) {
    portable_resample_kernels().vertical(rows, window, out);
    return;
  }
  // The last block overlaps the one before where the row is no multiple of its width.
  for (size_t j = 0; j < rows.stride; j += kColumns) {
    const size_t begin = std::min(j, rows.stride - kColumns);
    sum_columns(rows.data + begin, rows.stride, window, out + begin);
  }
}

}  // namespace

const ResampleKernels* avx2_resample_kernels() {
  static const ResampleKernels kKernels{horizontal, vertical};
  return __builtin_cpu_supports("avx2") ? &kKernels : nullptr;
}

}  // namespace spyhop

#else

namespace spyhop {

const ResampleKernels* avx2_resample_kernels() {
  return nullptr;
}

}  // namespace spyhop

#endif
