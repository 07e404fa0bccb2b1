#include "runtime/kernels/quantized_tile.h"

namespace spyhop::kernels {

QuantizedTileFunction quantized_tile_function(PackedFormat format) {
  const bool is_int8 = format == PackedFormat::kInt8;
  switch (instruction_set()) {
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
    case InstructionSet::kAvx512:
      return is_int8 ? quantized_tile_avx2_int8 : quantized_tile_avx2_int4;
    case InstructionSet::kAvx512Vnni:
    case InstructionSet::kAvx512Bf16:
      return is_int8 ? quantized_tile_avx512_vnni_int8 : quantized_tile_avx512_vnni_int4;
#endif
    default:
      return is_int8 ? quantized_tile_portable_int8 : quantized_tile_portable_int4;
  }
}

}  // namespace spyhop::kernels
