// y = x W^T + bias.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "runtime/kernels/packed_matrix.h"

namespace spyhop::kernels {

enum class Activation { kNone, kGeluTanh };

/// One product over raw memory in `type`, which is the weight's own unless that is quantized; rows at any stride, their
/// elements adjacent. With a gated weight y = silu(gate x) * (up x), every step rounded to the type as separate operations
/// would. Rows that meet a quantized weight are quantized first, see QuantizedRows.
struct LinearTask {
  at::ScalarType type = at::kFloat;
  const void* x = nullptr;  // [num_rows, in]
  int64_t x_row_bytes = 0;
  int64_t num_rows = 0;
  const PackedMatrix* weight = nullptr;
  const void* bias = nullptr;  // [out], or null
  void* y = nullptr;           // [num_rows, out]
  int64_t y_row_bytes = 0;
  Activation activation = Activation::kNone;  // of the rounded sum; none for a gated weight
};

/// All tasks in one parallel loop: small ones (a token's experts) share it. Sums in f32 from the first input to the last and
/// rounds once, so a row of y depends on its row of x alone, bit for bit.
void linear(const std::vector<LinearTask>& tasks);

/// x: [num_rows, in] with adjacent elements, in the weight's type or, where that is quantized, bf16 or f32; bias: [out] or
/// undefined. Returns [num_rows, out].
at::Tensor linear(const at::Tensor& x, const PackedMatrix& weight, const at::Tensor& bias = {},
                  Activation activation = Activation::kNone);

/// The task that multiplies x [num_rows, in] into y [num_rows, out]; both must outlive it.
LinearTask linear_task(const at::Tensor& x, const PackedMatrix& weight, const at::Tensor& y);

/// Rows [first, first + count) of a task.
LinearTask rows_of_task(const LinearTask& task, int64_t first, int64_t count);

/// The plain product by ATen's operations in f32, on any device. weight: [out, in], bias: [out] or undefined.
at::Tensor linear_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

}  // namespace spyhop::kernels
