// Loops that do nothing but read, or nothing but multiply: the limits that kernels are held against.
#pragma once

#include <cstdint>

namespace spyhop {

enum class Arithmetic { kF32, kBf16, kInt8 };

/// Multiplies and adds in registers only. The results are of no use.
struct ArithmeticLoop {
  void (*run)(int64_t num_rounds) = nullptr;
  double operations_per_round = 0;  // each multiplication and each addition is one
};

/// By the instructions in use (kernels::instruction_set). Where there is none for a type, its loop is that of the f32 numbers
/// it would be widened to.
struct LimitLoops {
  uint64_t (*read)(const char* data, int64_t num_bytes) = nullptr;  // from begin to end; a rest below 64 bytes is left out
  ArithmeticLoop f32;
  ArithmeticLoop bf16;
  ArithmeticLoop int8;

  const ArithmeticLoop& of(Arithmetic kind) const;
};

LimitLoops limit_loops();

LimitLoops limit_loops_portable();
#if defined(__x86_64__)
LimitLoops limit_loops_avx2();
LimitLoops limit_loops_avx512();
LimitLoops limit_loops_avx512_vnni();
LimitLoops limit_loops_avx512_bf16();
#endif

}  // namespace spyhop
