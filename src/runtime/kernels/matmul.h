// Matrix products: oneDNN on the CPU, ATen elsewhere.
#pragma once

#include <ATen/core/Tensor.h>

namespace spyhop::kernels {

/// A product of one shape, with its operands' strides in elements. Row-major c: [batch, m, n], contiguous.
struct MatmulShape {
  at::ScalarType type = at::kFloat;
  int64_t batch = 1;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  int64_t a_strides[3] = {};  // of [batch, m, k]
  int64_t b_strides[3] = {};  // of [batch, k, n]
  bool has_bias = false;      // [n], the same for every row

  bool operator==(const MatmulShape& other) const;
};

struct MatmulOperands {
  const void* a = nullptr;
  const void* b = nullptr;
  const void* bias = nullptr;
  void* c = nullptr;
};

/// Whether this machine's oneDNN multiplies matrices of `type`; bf16 needs AVX-512.
bool dnnl_supports(at::ScalarType type);

/// Primitives are made once per shape and thread and kept. Throws Error{kInternal} when oneDNN refuses.
void dnnl_matmul(const MatmulShape& shape, const MatmulOperands& operands);

/// a: [batch, m, k], b: [batch, k, n], one compute type, both with unit stride in one of the last two dimensions and free
/// strides elsewhere (views of weights need no copy). Returns [batch, m, n], contiguous; accumulates in f32, rounds once.
at::Tensor batched_matmul(const at::Tensor& a, const at::Tensor& b);

/// The number of rows >= `rows` that products are made for: few distinct shapes mean few primitives, each of which takes as
/// long to make as hundreds of rows to multiply. Exact up to 8 and beyond 512.
int64_t padded_rows(int64_t rows);

}  // namespace spyhop::kernels
