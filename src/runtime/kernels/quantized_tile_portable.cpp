#include <array>
#include <cstring>

#include "runtime/kernels/quantize.h"
#include "runtime/kernels/quantized_tile.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels {
namespace {

constexpr int64_t kBlockBytes = kTileColumns * kStepBytes;
using Sums = std::array<int32_t, kTileColumns>;

/// One step of 4 inputs of all columns; `shift` and `mask` take the weights out of their bytes.
SPYHOP_INLINE void add_step(const int8_t* a, const uint8_t* b, int shift, int mask, Sums& sums) {
  for (size_t column = 0; column < sums.size(); ++column) {
    for (size_t i = 0; i < kStepBytes; ++i) sums[column] += a[i] * ((b[column * kStepBytes + i] >> shift) & mask);
  }
}

template <PackedFormat kFormat>
SPYHOP_INLINE void add_group(const int8_t* a, const uint8_t* b, Sums& sums) {
  if (kFormat == PackedFormat::kInt8) {
    for (int64_t i = 0; i < kQuantizedGroup; i += kStepBytes, b += kBlockBytes) add_step(a + i, b, 0, 0xff, sums);
    return;
  }
  for (int64_t i = 0; i < kQuantizedGroup; i += 2 * kStepBytes, b += kBlockBytes) {
    add_step(a + i, b, 0, 0x0f, sums);
    add_step(a + i + kStepBytes, b, 4, 0x0f, sums);
  }
}

template <PackedFormat kFormat>
SPYHOP_INLINE void quantized_tile(const QuantizedTile& tile) {
  constexpr int64_t kGroupBytes = kQuantizedGroup * kTileColumns / (kFormat == PackedFormat::kInt4 ? 2 : 1);
  for (int64_t row = 0; row < tile.num_rows; ++row) {
    std::array<float, kTileColumns> result{};
    for (int64_t group = 0; group < tile.num_groups; ++group) {
      Sums sums;
      sums.fill(tile.a_offsets[row * tile.num_groups + group]);
      add_group<kFormat>(tile.a + row * tile.a_row_bytes + group * kQuantizedGroup,
                         reinterpret_cast<const uint8_t*>(tile.b) + group * kGroupBytes, sums);
      std::array<simd::Bf16, kTileColumns> scales;
      std::memcpy(scales.data(), tile.b_scales + group * static_cast<int64_t>(sizeof scales), sizeof scales);
      const float a_scale = tile.a_scales[row * tile.num_groups + group];
      for (size_t i = 0; i < result.size(); ++i) {
        result[i] += static_cast<float>(sums[i]) * (simd::to_float(scales[i]) * a_scale);
      }
    }
    std::memcpy(tile.c + row * kTileColumns, result.data(), sizeof result);
  }
}

}  // namespace

void quantized_tile_portable_int8(const QuantizedTile& tile) {
  quantized_tile<PackedFormat::kInt8>(tile);
}

void quantized_tile_portable_int4(const QuantizedTile& tile) {
  quantized_tile<PackedFormat::kInt4>(tile);
}

}  // namespace spyhop::kernels
