// Floats to integers with a scale for each group of 64: weights once, activations at every product.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "runtime/kernels/packed_matrix.h"

namespace spyhop::kernels {

/// Rows of a weight, bf16 or f32, at any strides.
struct WeightRows {
  const char* data = nullptr;
  int64_t row_bytes = 0;     // from row to row
  int64_t column_bytes = 0;  // from element to element
  int64_t num_rows = 0;
  int64_t num_columns = 0;
  bool is_bf16 = false;
};

/// One panel of a quantized matrix, see PackedShape.
struct QuantizedPanel {
  PackedFormat format = PackedFormat::kInt8;
  uint8_t* data = nullptr;
  uint16_t* scales = nullptr;  // bf16
};

/// Quantizes rows into the columns first_column .. first_column + num_columns - 1 of a panel; columns beyond the rows are zero.
/// int8: by the largest magnitude of the group. int4: by the scale, among several, whose squared error is least.
void quantize_rows_into(const QuantizedPanel& panel, int64_t first_column, int64_t num_columns, const WeightRows& rows);

/// Rows of activations as the quantized products take them, signed bytes in -127 .. 127 with one scale for each group of 64.
struct QuantizedRows {
  at::Tensor values;   // [num_rows, num_groups * 64] int8, zero beyond the row's end
  at::Tensor scales;   // [num_rows, num_groups] f32
  at::Tensor offsets;  // [num_rows, num_groups] int32: minus the sum of the group's values times `zero`

  int64_t num_groups() const { return scales.size(1); }
};

/// What the unsigned values of a quantized weight stand above their integers by.
int32_t quantized_zero(PackedFormat format);

/// Raw rows in `type` (bf16 or f32), elements adjacent.
struct ActivationRows {
  const char* data = nullptr;
  int64_t row_bytes = 0;
  int64_t num_rows = 0;
  int64_t num_columns = 0;
  at::ScalarType type = at::kFloat;
};

QuantizedRows allocate_quantized_rows(int64_t num_rows, int64_t num_columns);

/// Rows [begin, end) of x into the same rows of `to`; zero: quantized_zero of the weight that they are to be multiplied with.
void quantize_activations(const ActivationRows& x, int32_t zero, int64_t begin, int64_t end, const QuantizedRows& to);

}  // namespace spyhop::kernels
