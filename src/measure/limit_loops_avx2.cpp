#if defined(__x86_64__)
#include <immintrin.h>

#include "measure/limit_loops.h"

#define SPYHOP_AVX2 __attribute__((target("avx2,fma")))

namespace spyhop {
namespace {

constexpr int kSums = 12;  // of 16 registers

SPYHOP_AVX2 uint64_t read(const char* data, int64_t num_bytes) {
  __m256i seen[4];
  for (__m256i& each : seen) each = _mm256_setzero_si256();
  int64_t i = 0;
  for (; i + 256 <= num_bytes; i += 256) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) {
      const auto* const from = reinterpret_cast<const __m256i*>(data + i + 32 * k);
      seen[k % 4] = _mm256_or_si256(seen[k % 4], _mm256_loadu_si256(from));
    }
  }
  for (; i + 32 <= num_bytes; i += 32) {
    seen[0] = _mm256_or_si256(seen[0], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i)));
  }
  const __m256i all = _mm256_or_si256(_mm256_or_si256(seen[0], seen[1]), _mm256_or_si256(seen[2], seen[3]));
  return static_cast<uint64_t>(_mm256_movemask_epi8(all));
}

SPYHOP_AVX2 void multiply_f32(int64_t num_rounds) {
  __m256 sums[kSums];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  __m256 x = _mm256_set1_ps(1.0F);
  __m256 y = x;
  asm volatile("" : "+x"(x), "+x"(y));  // two numbers that the compiler does not know
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm256_fmadd_ps(x, y, sums[i]);
  }
  for (const __m256& sum : sums) asm volatile("" ::"x"(sum));
}

SPYHOP_AVX2 void multiply_int8(int64_t num_rounds) {
  __m256i sums[kSums];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  __m256i x = _mm256_set1_epi8(1);
  __m256i y = x;
  __m256i ones = _mm256_set1_epi16(1);
  asm volatile("" : "+x"(ones));
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) {
      asm volatile("" : "+x"(x), "+x"(y));  // none of the products is the one before
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), ones));
    }
  }
  for (const __m256i& sum : sums) asm volatile("" ::"x"(sum));
}

}  // namespace

LimitLoops limit_loops_avx2() {
  const ArithmeticLoop f32{multiply_f32, 2.0 * kSums * 8};
  return {read, f32, f32, {multiply_int8, 2.0 * kSums * 32}};
}

}  // namespace spyhop
#endif
