// Dot products of bf16 pairs come on top.
#if defined(__x86_64__)
#include <immintrin.h>

#include "measure/limit_loops.h"

namespace spyhop {
namespace {

constexpr int kSums = 16;  // of 32 registers

__attribute__((target("avx512f,avx512bf16"))) void multiply_bf16(int64_t num_rounds) {
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  __m512i x = _mm512_set1_epi16(0x3f80);  // 1 as bf16
  __m512i y = x;
  asm volatile("" : "+v"(x), "+v"(y));  // two numbers that the compiler does not know
  for (int64_t round = 0; round < num_rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], (__m512bh)x, (__m512bh)y);
  }
  for (const __m512& sum : sums) asm volatile("" ::"v"(sum));
}

}  // namespace

LimitLoops limit_loops_avx512_bf16() {
  LimitLoops loops = limit_loops_avx512_vnni();
  loops.bf16 = {multiply_bf16, 2.0 * kSums * 32};
  return loops;
}

}  // namespace spyhop
#endif
