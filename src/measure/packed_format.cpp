#include "measure/packed_format.h"

#include "spyhop/error.h"

namespace spyhop {

kernels::PackedMatrix BenchFormat::pack(const at::Tensor& weight) const {
  return kernels::PackedMatrix(weight);
}

kernels::PackedMatrix BenchFormat::pack_gated(const at::Tensor& gate, const at::Tensor& up) const {
  return kernels::PackedMatrix::gated(gate, up);
}

const std::vector<BenchFormat>& bench_formats() {
  static const std::vector<BenchFormat> formats = {{"bf16", at::kBFloat16, Arithmetic::kBf16},
                                                   {"f32", at::kFloat, Arithmetic::kF32}};
  return formats;
}

const BenchFormat& bench_format(const std::string& name) {
  std::string allowed;
  for (const BenchFormat& format : bench_formats()) {
    if (format.name == name) return format;
    allowed += (allowed.empty() ? "" : ", ") + format.name;
  }
  throw Error(ErrorCode::kInvalidRequest, "format is '" + name + "'; allowed: " + allowed, "formats");
}

}  // namespace spyhop
