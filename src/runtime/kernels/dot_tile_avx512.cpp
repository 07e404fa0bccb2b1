#if defined(__x86_64__)
#include "runtime/kernels/dot_tile_loops.h"

namespace spyhop::kernels {

__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))) void dot_tile_avx512_bf16(const DotTile& tile) {
  loops::dot_tile<loops::Bf16Step<16>, 16, 7>(tile);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))) void dot_tile_avx512_f32(const DotTile& tile) {
  loops::dot_tile<loops::F32Step<16>, 16, 7>(tile);
}

}  // namespace spyhop::kernels
#endif
