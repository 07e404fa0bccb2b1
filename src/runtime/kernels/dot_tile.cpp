#include "runtime/kernels/dot_tile.h"

namespace spyhop::kernels {

DotTileFunction dot_tile_function(at::ScalarType type) {
  const bool is_f32 = type == at::kFloat;
  switch (instruction_set()) {
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
      return is_f32 ? dot_tile_avx2_f32 : dot_tile_avx2_bf16;
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
      return is_f32 ? dot_tile_avx512_f32 : dot_tile_avx512_bf16;
    case InstructionSet::kAvx512Bf16:
      return is_f32 ? dot_tile_avx512_f32 : dot_tile_avx512_bf16_native;
#endif
    default:
      return is_f32 ? dot_tile_portable_f32 : dot_tile_portable_bf16;
  }
}

}  // namespace spyhop::kernels
