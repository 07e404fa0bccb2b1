#if defined(__x86_64__)
#include <immintrin.h>

#include "measure/limit_loops.h"

#define SPYHOP_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

namespace spyhop {
namespace {

constexpr int kSums = 16;  // of 32 registers

SPYHOP_AVX512 uint64_t read(const char* data, int64_t num_bytes) {
  __m512i seen[8];
  for (__m512i& each : seen) each = _mm512_setzero_si512();
  int64_t i = 0;
  for (; i + 512 <= num_bytes; i += 512) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) seen[k] = _mm512_or_si512(seen[k], _mm512_loadu_si512(data + i + 64 * k));
  }
  for (; i + 64 <= num_bytes; i += 64) seen[0] = _mm512_or_si512(seen[0], _mm512_loadu_si512(data + i));
  for (int k = 1; k < 8; ++k) seen[0] = _mm512_or_si512(seen[0], seen[k]);
  return _mm512_test_epi8_mask(seen[0], seen[0]);
}

SPYHOP_AVX512 void multiply_f32(int64_t num_rounds) {
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  __m512 x = _mm512_set1_ps(1.0F);
  __m512 y = x;
  asm volatile("" : "+v"(x), "+v"(y));  // two numbers that the compiler does not know
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_fmadd_ps(x, y, sums[i]);
  }
  for (const __m512& sum : sums) asm volatile("" ::"v"(sum));
}

SPYHOP_AVX512 void multiply_int8(int64_t num_rounds) {
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  __m512i x = _mm512_set1_epi8(1);
  __m512i y = x;
  __m512i ones = _mm512_set1_epi16(1);
  asm volatile("" : "+v"(ones));
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      asm volatile("" : "+v"(x), "+v"(y));  // none of the products is the one before
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(_mm512_maddubs_epi16(x, y), ones));
    }
  }
  for (const __m512i& sum : sums) asm volatile("" ::"v"(sum));
}

}  // namespace

LimitLoops limit_loops_avx512() {
  const ArithmeticLoop f32{multiply_f32, 2.0 * kSums * 16};
  return {read, f32, f32, {multiply_int8, 2.0 * kSums * 64}};
}

}  // namespace spyhop
#endif
