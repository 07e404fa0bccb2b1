// The inner product of quantized weights: a few rows of quantized activations times 32 columns.
#pragma once

#include <cstdint>

#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/packed_matrix.h"

namespace spyhop::kernels {

/// c[row][column] = sum over groups of a_scale[row][group] * b_scale[group][column] * (sum over the group of a * b), the inner
/// sums exact in integers, the outer in f32 from the first group to the last, whatever the number of rows.
struct QuantizedTile {
  const int8_t* a = nullptr;  // [num_rows, num_groups * 64]
  int64_t a_row_bytes = 0;
  const float* a_scales = nullptr;     // [num_rows, num_groups]
  const int32_t* a_offsets = nullptr;  // the same shape, see QuantizedRows
  int64_t num_rows = 0;                // 1 .. kMaxTileRows
  int64_t num_groups = 0;
  const char* b = nullptr;          // a panel, see PackedShape
  const char* b_scales = nullptr;   // its scales
  const char* prefetch = nullptr;   // memory that is wanted soon: two cache lines are fetched with every 128 bytes of b
  int64_t prefetch_step_bytes = 0;  // how far that moves on each time
  float* c = nullptr;               // [num_rows, 32], contiguous
};

using QuantizedTileFunction = void (*)(const QuantizedTile& tile);

/// For weights in `format` (kInt8 or kInt4) by the instructions in use.
QuantizedTileFunction quantized_tile_function(PackedFormat format);

void quantized_tile_portable_int8(const QuantizedTile& tile);
void quantized_tile_portable_int4(const QuantizedTile& tile);
#if defined(__x86_64__)
void quantized_tile_avx2_int8(const QuantizedTile& tile);
void quantized_tile_avx2_int4(const QuantizedTile& tile);
void quantized_tile_avx512_vnni_int8(const QuantizedTile& tile);
void quantized_tile_avx512_vnni_int4(const QuantizedTile& tile);
#endif

}  // namespace spyhop::kernels
