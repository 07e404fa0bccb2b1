#include "runtime/kernels/instruction_set.h"

#include <atomic>

#include "spyhop/error.h"

namespace spyhop::kernels {
namespace {

bool has(InstructionSet set) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  switch (set) {
    case InstructionSet::kPortable:
      return true;
    case InstructionSet::kAvx2:
      return avx2;
    case InstructionSet::kAvx512:
      return avx512;
    case InstructionSet::kAvx512Vnni:
      return vnni;
    case InstructionSet::kAvx512Bf16:
      return vnni && __builtin_cpu_supports("avx512bf16");
  }
#endif
  return set == InstructionSet::kPortable;
}

InstructionSet best() {
  return available_instruction_sets().back();
}

std::atomic<InstructionSet>& chosen() {
  static std::atomic<InstructionSet> set{best()};
  return set;
}

}  // namespace

InstructionSet instruction_set() {
  return chosen().load(std::memory_order_relaxed);
}

std::string instruction_set_name(InstructionSet set) {
  switch (set) {
    case InstructionSet::kPortable:
      return "portable";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kAvx512Vnni:
      return "avx512_vnni";
    case InstructionSet::kAvx512Bf16:
      break;
  }
  return "avx512_bf16";
}

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet set : {InstructionSet::kPortable, InstructionSet::kAvx2, InstructionSet::kAvx512,
                                   InstructionSet::kAvx512Vnni, InstructionSet::kAvx512Bf16}) {
    if (has(set)) sets.push_back(set);
  }
  return sets;
}

void force_instruction_set(const std::string& name) {
  if (name == "auto") {
    chosen() = best();
    return;
  }
  std::string allowed = "auto";
  for (const InstructionSet set : available_instruction_sets()) {
    if (instruction_set_name(set) == name) {
      chosen() = set;
      return;
    }
    allowed += ", " + instruction_set_name(set);
  }
  throw Error(ErrorCode::kModelLoad, "instruction set is \"" + name + "\"; this machine has: " + allowed);
}

}  // namespace spyhop::kernels
