// The dot tile in the compiler's vector types, for the files that compile it for one instruction set each.
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels::loops {

template <int kLanes>
struct Vector {
  typedef float Floats __attribute__((vector_size(kLanes * 4)));
  typedef uint32_t Words __attribute__((vector_size(kLanes * 4)));
};

/// Multiplies with one f32 per step.
template <int kLanes>
struct F32Step {
  using Floats = typename Vector<kLanes>::Floats;

  static SPYHOP_INLINE void add(Floats& sum, const char* a, const char* b) {
    float x;
    Floats column;
    std::memcpy(&x, a, sizeof x);
    std::memcpy(&column, b, sizeof column);
    sum += x * column;
  }
};

/// Multiplies with two bf16 per step; a bf16 is the upper half of a float.
template <int kLanes>
struct Bf16Step {
  using Floats = typename Vector<kLanes>::Floats;
  using Words = typename Vector<kLanes>::Words;

  static SPYHOP_INLINE float as_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  static SPYHOP_INLINE void add(Floats& sum, const char* a, const char* b) {
    uint32_t pair;
    Words columns;
    std::memcpy(&pair, a, sizeof pair);
    std::memcpy(&columns, b, sizeof columns);
    const Words low = columns << 16;
    const Words high = columns & 0xffff0000U;
    Floats first, second;
    std::memcpy(&first, &low, sizeof first);
    std::memcpy(&second, &high, sizeof second);
    sum += as_float(pair << 16) * first;
    sum += as_float(pair & 0xffff0000U) * second;
  }
};

template <typename Step, int kLanes, int kRows>
SPYHOP_INLINE void rows_times_columns(const DotTile& tile, int64_t first_row) {
  const char* a = tile.a + first_row * tile.a_row_bytes;
  float* const c = tile.c + first_row * tile.c_stride;
  using Floats = typename Vector<kLanes>::Floats;
  constexpr int kVectors = static_cast<int>(kTileColumns) / kLanes;
  constexpr int kVectorsPerHalf = static_cast<int>(kHalfTile) / kLanes;
  Floats sums[kRows][kVectors] = {};
  const char* prefetch = tile.prefetch;
  for (int64_t segment = 0; segment < tile.num_segments; ++segment) {
    const char* b = tile.segments[segment] + tile.segment_offset;
    for (int64_t step = 0; step < tile.steps; ++step) {
      __builtin_prefetch(prefetch);
      __builtin_prefetch(prefetch + 64);
      prefetch += tile.prefetch_step_bytes;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const char* column = b + (v / kVectorsPerHalf) * tile.b_second_bytes + (v % kVectorsPerHalf) * kLanes * kStepBytes;
#pragma GCC unroll 14
        for (int row = 0; row < kRows; ++row) Step::add(sums[row][v], a + row * tile.a_row_bytes, column);
      }
      a += kStepBytes;
      b += tile.b_step_bytes;
    }
  }
  for (int row = 0; row < kRows; ++row) std::memcpy(c + row * tile.c_stride, sums[row], sizeof sums[row]);
}

/// All rows of a tile, at most kMaxRows at a time: as many as the registers hold.
template <typename Step, int kLanes, int kMaxRows>
SPYHOP_INLINE void dot_tile(const DotTile& tile) {
  int64_t row = 0;
  for (; row + kMaxRows <= tile.num_rows; row += kMaxRows) {
    rows_times_columns<Step, kLanes, kMaxRows>(tile, row);
  }
  for (; row < tile.num_rows; ++row) {
    rows_times_columns<Step, kLanes, 1>(tile, row);
  }
}

}  // namespace spyhop::kernels::loops
