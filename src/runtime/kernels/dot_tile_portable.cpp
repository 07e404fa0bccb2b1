#include "runtime/kernels/dot_tile_loops.h"

namespace spyhop::kernels {

void dot_tile_portable_bf16(const DotTile& tile) {
  loops::dot_tile<loops::Bf16Step<4>, 4, 1>(tile);
}

void dot_tile_portable_f32(const DotTile& tile) {
  loops::dot_tile<loops::F32Step<4>, 4, 1>(tile);
}

}  // namespace spyhop::kernels
