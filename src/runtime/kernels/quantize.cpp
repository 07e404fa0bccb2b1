#include "runtime/kernels/quantize.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;
using Group = std::array<float, kQuantizedGroup>;
using Integers = std::array<int32_t, kQuantizedGroup>;

constexpr float kInt8Most = 127.0F;
constexpr float kInt4Least = -8.0F;
constexpr float kInt4Most = 7.0F;
constexpr int kInt4Candidates = 12;
constexpr float kInt4FirstReach = 6.5F;  // the group's extreme value becomes minus this many steps, ...
constexpr float kInt4ReachStep = 0.25F;  // ... and this many more with each further candidate

struct Scale {
  float value;
  uint16_t bits;  // bf16
};

Scale rounded_scale(float value) {
  const Bf16 bits = simd::from_float<Bf16>(value);
  return {simd::to_float(bits), bits.bits};
}

/// To the nearest integer, ties to even; for magnitudes below 2^22.
SPYHOP_INLINE float nearest(float value) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (value + kShift) - kShift;
}

/// The same as an integer. What is no number, or none so small, becomes some integer.
SPYHOP_INLINE int32_t nearest_integer(float value) {
  constexpr uint32_t kShiftBits = 0x4b400000U;  // of 1.5 * 2^23
  const float shifted = value + 12582912.0F;
  uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return static_cast<int32_t>(bits - kShiftBits);
}

SPYHOP_INLINE float clamped(float value, float least, float most) {
  return std::min(std::max(value, least), most);
}

SPYHOP_INLINE void to_integers(const Group& group, float scale, float least, float most, Integers& integers) {
  const float inverse = scale == 0.0F ? 0.0F : 1.0F / scale;
  for (size_t i = 0; i < group.size(); ++i) {
    integers[i] = static_cast<int32_t>(clamped(nearest(clamped(group[i] * inverse, least, most)), least, most));
  }
}

SPYHOP_CLONES uint16_t quantize_int8(const Group& group, Integers& integers) {
  float most = 0.0F;
  for (const float value : group) most = std::max(most, std::fabs(value));
  const Scale scale = rounded_scale(most / kInt8Most);
  to_integers(group, scale.value, -kInt8Most, kInt8Most, integers);
  return scale.bits;
}

/// How well the group is met by integers of step 1 / inverse: for those integers the best scale is wq / qq, and with it the
/// squared error is the group's own square less wq^2 / qq.
struct Fit {
  float wq = 0.0F;
  float qq = 0.0F;

  float gain() const { return qq > 0.0F ? wq * wq / qq : 0.0F; }
};

SPYHOP_INLINE Fit fit_int4(const Group& group, float inverse) {
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> wq{};
  std::array<float, kLanes> qq{};
  for (size_t i = 0; i < group.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float q = clamped(nearest(group[i + lane] * inverse), kInt4Least, kInt4Most);
      wq[lane] += group[i + lane] * q;
      qq[lane] += q * q;
    }
  }
  Fit fit;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    fit.wq += wq[lane];
    fit.qq += qq[lane];
  }
  return fit;
}

SPYHOP_CLONES uint16_t quantize_int4(const Group& group, Integers& integers) {
  float extreme = 0.0F;
  for (const float value : group) extreme = std::fabs(value) > std::fabs(extreme) ? value : extreme;
  float best_gain = 0.0F;
  float best_scale = 0.0F;
  for (int i = 0; i < kInt4Candidates && extreme != 0.0F; ++i) {
    const Fit fit = fit_int4(group, -(kInt4FirstReach + kInt4ReachStep * static_cast<float>(i)) / extreme);
    if (fit.gain() > best_gain) {
      best_gain = fit.gain();
      best_scale = fit.wq / fit.qq;
    }
  }
  const Scale scale = rounded_scale(best_scale);
  to_integers(group, scale.value, kInt4Least, kInt4Most, integers);
  return scale.bits;
}

/// Inputs first .. first + 63 of a row; zeros beyond its end.
Group load_group(const WeightRows& rows, int64_t row, int64_t first) {
  Group group{};
  const char* const begin = rows.data + row * rows.row_bytes;
  const int64_t count = std::min(kQuantizedGroup, rows.num_columns - first);
  for (int64_t i = 0; i < count; ++i) {
    const char* const element = begin + (first + i) * rows.column_bytes;
    if (rows.is_bf16) {
      Bf16 value;
      std::memcpy(&value, element, sizeof value);
      group[static_cast<size_t>(i)] = simd::to_float(value);
    } else {
      std::memcpy(&group[static_cast<size_t>(i)], element, sizeof(float));
    }
  }
  return group;
}

constexpr int64_t kInt8Zero = 128;
constexpr int64_t kInt4Zero = 8;
constexpr int64_t kInputsPerStep = kStepBytes;  // one byte each
constexpr int64_t kBlockBytes = kTileColumns * kStepBytes;

/// Writes a group's integers into one column of a panel.
void place(const QuantizedPanel& panel, int64_t group, int64_t column, const Integers& integers) {
  const int64_t at = column / kHalfTile * kHalfTileBytes + column % kHalfTile * kStepBytes;
  if (panel.format == PackedFormat::kInt8) {
    uint8_t* const data = panel.data + group * kQuantizedGroup * kTileColumns + at;
    for (int64_t i = 0; i < kQuantizedGroup; ++i) {
      data[i / kInputsPerStep * kBlockBytes + i % kInputsPerStep] =
          static_cast<uint8_t>(integers[static_cast<size_t>(i)] + kInt8Zero);
    }
    return;
  }
  uint8_t* const data = panel.data + group * kQuantizedGroup * kTileColumns / 2 + at;
  for (int64_t i = 0; i < kQuantizedGroup; i += 2 * kInputsPerStep) {
    for (int64_t byte = 0; byte < kInputsPerStep; ++byte) {
      const int64_t low = integers[static_cast<size_t>(i + byte)] + kInt4Zero;
      const int64_t high = integers[static_cast<size_t>(i + kInputsPerStep + byte)] + kInt4Zero;
      data[i / (2 * kInputsPerStep) * kBlockBytes + byte] = static_cast<uint8_t>(low | (high << 4));
    }
  }
}

template <typename T>
SPYHOP_INLINE void quantize_row(const T* x, int64_t num_columns, int32_t zero, int8_t* values, float* scales,
                                int32_t* offsets) {
  for (int64_t first = 0, group = 0; first < num_columns; first += kQuantizedGroup, ++group) {
    Group wide{};
    const auto count = static_cast<size_t>(std::min(kQuantizedGroup, num_columns - first));
    if (count == wide.size()) {
      for (size_t i = 0; i < wide.size(); ++i) wide[i] = simd::to_float(x[static_cast<size_t>(first) + i]);
    } else {
      for (size_t i = 0; i < count; ++i) wide[i] = simd::to_float(x[static_cast<size_t>(first) + i]);
    }
    float most = 0.0F;
#pragma omp simd reduction(max : most)
    for (size_t i = 0; i < kQuantizedGroup; ++i) most = std::max(most, std::fabs(wide[i]));
    const float inverse = most > 0.0F ? kInt8Most / most : 0.0F;
    int32_t sum = 0;
    for (size_t i = 0; i < kQuantizedGroup; ++i) {
      const int32_t value = nearest_integer(wide[i] * inverse);
      values[static_cast<size_t>(first) + i] = static_cast<int8_t>(value);
      sum += value;
    }
    scales[group] = most / kInt8Most;
    offsets[group] = -zero * sum;
  }
}

SPYHOP_CLONES void quantize_bf16_row(const Bf16* x, int64_t n, int32_t zero, int8_t* values, float* scales, int32_t* offsets) {
  quantize_row(x, n, zero, values, scales, offsets);
}

SPYHOP_CLONES void quantize_f32_row(const float* x, int64_t n, int32_t zero, int8_t* values, float* scales, int32_t* offsets) {
  quantize_row(x, n, zero, values, scales, offsets);
}

}  // namespace

void quantize_rows_into(const QuantizedPanel& panel, int64_t first_column, int64_t num_columns, const WeightRows& rows) {
  const int64_t num_groups = (rows.num_columns + kQuantizedGroup - 1) / kQuantizedGroup;
  for (int64_t column = 0; column < num_columns; ++column) {
    for (int64_t index = 0; index < num_groups; ++index) {
      const Group group = column < rows.num_rows ? load_group(rows, column, index * kQuantizedGroup) : Group{};
      Integers integers;
      const uint16_t scale =
          panel.format == PackedFormat::kInt8 ? quantize_int8(group, integers) : quantize_int4(group, integers);
      panel.scales[index * kTileColumns + first_column + column] = scale;
      place(panel, index, first_column + column, integers);
    }
  }
}

int32_t quantized_zero(PackedFormat format) {
  return static_cast<int32_t>(format == PackedFormat::kInt4 ? kInt4Zero : kInt8Zero);
}

QuantizedRows allocate_quantized_rows(int64_t num_rows, int64_t num_columns) {
  const int64_t num_groups = (num_columns + kQuantizedGroup - 1) / kQuantizedGroup;
  return {at::empty({num_rows, num_groups * kQuantizedGroup}, at::kChar), at::empty({num_rows, num_groups}, at::kFloat),
          at::empty({num_rows, num_groups}, at::kInt)};
}

void quantize_activations(const ActivationRows& x, int32_t zero, int64_t begin, int64_t end, const QuantizedRows& to) {
  for (int64_t row = begin; row < end; ++row) {
    const char* const from = x.data + row * x.row_bytes;
    int8_t* const values = static_cast<int8_t*>(to.values.data_ptr()) + row * to.values.size(1);
    float* const scales = static_cast<float*>(to.scales.data_ptr()) + row * to.num_groups();
    int32_t* const offsets = static_cast<int32_t*>(to.offsets.data_ptr()) + row * to.num_groups();
    if (x.type == at::kFloat) {
      quantize_f32_row(reinterpret_cast<const float*>(from), x.num_columns, zero, values, scales, offsets);
    } else {
      quantize_bf16_row(reinterpret_cast<const Bf16*>(from), x.num_columns, zero, values, scales, offsets);
    }
  }
}

}  // namespace spyhop::kernels
