#include "runtime/kernels/linear.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/kernels/check.h"
#include "runtime/kernels/gemv.h"
#include "runtime/kernels/matmul.h"

namespace spyhop::kernels {
namespace {

/// Rows of a weight widened at a time: small enough for a core's L2 cache at the widths of these models.
constexpr int64_t kUpcastPanel = 256;

at::Tensor gemm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t num_rows = x.size(0);
  const int64_t in = weight.size(1);
  const int64_t out = weight.size(0);
  const int64_t padded = padded_rows(num_rows);
  at::Tensor rows = x.contiguous();
  if (padded != num_rows) {
    at::Tensor wide = at::empty({padded, in}, x.options());
    wide.narrow(0, 0, num_rows).copy_(rows);
    wide.narrow(0, num_rows, padded - num_rows).zero_();
    rows = wide;
  }
  at::Tensor y = at::empty({padded, out}, x.options());
  MatmulShape shape{x.scalar_type(), 1, padded, out, in, {padded * in, in, 1}, {in * out, 1, in}, bias.defined()};
  dnnl_matmul(shape, {rows.data_ptr(), weight.data_ptr(), bias.defined() ? bias.data_ptr() : nullptr, y.data_ptr()});
  return y.narrow(0, 0, num_rows);
}

at::Tensor few_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
  gemv({{x.contiguous(), weight, bias, y}});
  return y;
}

}  // namespace

at::Tensor linear_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor wide_bias = bias.defined() ? bias.to(at::kFloat) : bias;
  return at::linear(x.to(at::kFloat), weight.to(at::kFloat), wide_bias).to(x.scalar_type());
}

at::Tensor linear_upcast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor wide = x.to(at::kFloat);
  at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
  for (int64_t begin = 0; begin < weight.size(0); begin += kUpcastPanel) {
    const int64_t count = std::min(kUpcastPanel, weight.size(0) - begin);
    const at::Tensor panel_bias = bias.defined() ? bias.narrow(0, begin, count).to(at::kFloat) : bias;
    y.narrow(1, begin, count).copy_(gemm(wide, weight.narrow(0, begin, count).to(at::kFloat), panel_bias));
  }
  return y;
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  require(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(1), "linear's shapes do not fit");
  require(x.scalar_type() == weight.scalar_type(), "linear takes one type");
  require(!bias.defined() || (bias.numel() == weight.size(0) && bias.scalar_type() == x.scalar_type()),
          "linear's bias does not fit");
  if (!on_cpu(x)) return at::linear(x, weight, bias);
  if (!is_compute_type(x)) return linear_aten(x, weight, bias);
  require(weight.is_contiguous(), "linear takes a contiguous weight");
  if (x.size(0) == 0) return at::empty({0, weight.size(0)}, x.options());
  if (x.size(0) <= kMaxGemvRows) return few_rows(x, weight, bias);
  return dnnl_supports(x.scalar_type()) ? gemm(x, weight, bias) : linear_upcast(x, weight, bias);
}

}  // namespace spyhop::kernels
