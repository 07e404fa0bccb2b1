#include "runtime/kernels/logits.h"

#include "runtime/kernels/instruction_set.h"

namespace spyhop::kernels {

const LogitKernels& logit_kernels() {
  switch (instruction_set()) {
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
      return kAvx2LogitKernels;
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
    case InstructionSet::kAvx512Bf16:
      return kAvx512LogitKernels;
#endif
    default:
      return kPortableLogitKernels;
  }
}

}  // namespace spyhop::kernels
