// The inner product that everything heavy is made of: a few rows of activations times 32 columns.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "runtime/kernels/instruction_set.h"

namespace spyhop::kernels {

constexpr int64_t kTileColumns = 32;
constexpr int64_t kHalfTile = 16;     // columns that lie side by side in memory
constexpr int64_t kMaxTileRows = 14;  // whose sums fill the 32 registers of AVX-512

/// Elements of the summed dimension lie in steps of 4 bytes: one f32 or two bf16.
constexpr int64_t kStepBytes = 4;
constexpr int64_t kHalfTileBytes = kHalfTile * kStepBytes;

/// c[row][column] = sum over steps of a[row][step] . b[step][column], in f32. Each result is summed step after step from the
/// first to the last, whatever the number of rows: it does not depend on what is computed beside it.
struct DotTile {
  const char* a = nullptr;  // [num_rows, num_segments * steps], steps adjacent
  int64_t a_row_bytes = 0;
  int64_t num_rows = 0;                   // 1 .. kMaxTileRows
  const char* const* segments = nullptr;  // [num_segments] where the columns' steps begin
  int64_t segment_offset = 0;             // bytes, added to each
  int64_t num_segments = 0;
  int64_t steps = 0;                // of each segment
  int64_t b_step_bytes = 0;         // from one step of 16 columns to the next
  int64_t b_second_bytes = 0;       // from the first 16 columns to the other 16
  const char* prefetch = nullptr;   // memory that is wanted soon: two cache lines are fetched with every step
  int64_t prefetch_step_bytes = 0;  // how far that moves on with each step; 0 where everything is at hand
  float* c = nullptr;               // [num_rows, 32]
  int64_t c_stride = kTileColumns;  // floats from row to row
  bool is_half = false;             // only the first 16 columns are wanted; the others may hold anything
};

using DotTileFunction = void (*)(const DotTile& tile);

/// For operands of `type` (bf16 or f32) by the instructions in use.
DotTileFunction dot_tile_function(at::ScalarType type);

void dot_tile_portable_bf16(const DotTile& tile);
void dot_tile_portable_f32(const DotTile& tile);
#if defined(__x86_64__)
void dot_tile_avx2_bf16(const DotTile& tile);
void dot_tile_avx2_f32(const DotTile& tile);
void dot_tile_avx512_bf16(const DotTile& tile);
void dot_tile_avx512_f32(const DotTile& tile);
void dot_tile_avx512_bf16_native(const DotTile& tile);
#endif

}  // namespace spyhop::kernels
