// Dot products of four bytes come on top.
#if defined(__x86_64__)
#include <immintrin.h>

#include "measure/limit_loops.h"

namespace spyhop {
namespace {

constexpr int kSums = 16;  // of 32 registers

__attribute__((target("avx512f,avx512vnni"))) void multiply_int8(int64_t num_rounds) {
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  __m512i x = _mm512_set1_epi32(0x01010101);
  __m512i y = x;
  asm volatile("" : "+v"(x), "+v"(y));  // two numbers that the compiler does not know
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], x, y);
  }
  for (const __m512i& sum : sums) asm volatile("" ::"v"(sum));
}

}  // namespace

LimitLoops limit_loops_avx512_vnni() {
  LimitLoops loops = limit_loops_avx512();
  loops.int8 = {multiply_int8, 2.0 * kSums * 64};
  return loops;
}

}  // namespace spyhop
#endif
