// Which vector instructions the kernels use.
#pragma once

#include <string>
#include <vector>

namespace spyhop::kernels {

/// In the order of preference; each machine that has one has those before it.
enum class InstructionSet { kPortable, kAvx2, kAvx512, kAvx512Vnni, kAvx512Bf16 };

/// The best this machine has, or what force_instruction_set says.
InstructionSet instruction_set();

/// "portable", "avx2", "avx512", "avx512_vnni" or "avx512_bf16".
std::string instruction_set_name(InstructionSet set);

/// Those of this machine, portable first.
std::vector<InstructionSet> available_instruction_sets();

/// Takes the set of this name from now on ("auto": the best). Not while kernels run. Results differ in the last bits from set
/// to set. Throws Error{kModelLoad} for a name that does not exist or instructions that the machine does not have.
void force_instruction_set(const std::string& name);

}  // namespace spyhop::kernels
