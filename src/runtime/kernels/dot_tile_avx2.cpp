#if defined(__x86_64__)
#include "runtime/kernels/dot_tile_loops.h"

namespace spyhop::kernels {

__attribute__((target("avx2,fma"))) void dot_tile_avx2_bf16(const DotTile& tile) {
  loops::dot_tile<loops::Bf16Step<8>, 8, 2>(tile);
}

__attribute__((target("avx2,fma"))) void dot_tile_avx2_f32(const DotTile& tile) {
  loops::dot_tile<loops::F32Step<8>, 8, 3>(tile);
}

}  // namespace spyhop::kernels
#endif
