#include "measure/limit_loops.h"

#include "runtime/kernels/instruction_set.h"

namespace spyhop {

const ArithmeticLoop& LimitLoops::of(Arithmetic kind) const {
  switch (kind) {
    case Arithmetic::kBf16:
      return bf16;
    case Arithmetic::kInt8:
      return int8;
    default:
      return f32;
  }
}

LimitLoops limit_loops() {
  using kernels::InstructionSet;
  switch (kernels::instruction_set()) {
    case InstructionSet::kPortable:
      return limit_loops_portable();
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
      return limit_loops_avx2();
    case InstructionSet::kAvx512:
      return limit_loops_avx512();
    case InstructionSet::kAvx512Vnni:
      return limit_loops_avx512_vnni();
    default:
      return limit_loops_avx512_bf16();
#else
    default:
      return limit_loops_portable();
#endif
  }
}

}  // namespace spyhop
