#include "measure/packed_format.h"

#include "spyhop/error.h"

namespace spyhop {

const std::vector<BenchFormat>& bench_formats() {
  using kernels::PackedFormat;
  static const std::vector<BenchFormat> formats = {
      {"bf16", PackedFormat::kBf16, at::kBFloat16, Arithmetic::kBf16},
      {"f32", PackedFormat::kF32, at::kFloat, Arithmetic::kF32},
      {"int8", PackedFormat::kInt8, at::kBFloat16, Arithmetic::kInt8},
      {"int4", PackedFormat::kInt4, at::kBFloat16, Arithmetic::kInt8},
  };
  return formats;
}

std::vector<MemoryRegion> regions_of(const kernels::PackedMatrix& weight) {
  std::vector<MemoryRegion> regions;
  for (const at::Tensor& part : {weight.panels(), weight.scales()}) {
    if (part.defined() && part.nbytes() > 0) {
      regions.push_back({static_cast<const char*>(part.data_ptr()), static_cast<int64_t>(part.nbytes())});
    }
  }
  return regions;
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
