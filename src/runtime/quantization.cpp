#include "runtime/quantization.h"

#include <unordered_set>

#include "runtime/kernels/check.h"
#include "runtime/kernels/dot_tile.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using kernels::kTileColumns;
using kernels::PackedFormat;

bool ends_with(const std::string& name, const std::string& tail) {
  return name.size() >= tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
}

const std::string kGate = ".gate_proj.weight";
const std::string kUp = ".up_proj.weight";

}  // namespace

std::string quantization_name(Quantization quantization) {
  switch (quantization) {
    case Quantization::kInt8:
      return "int8";
    case Quantization::kInt4:
      return "int4";
    case Quantization::kNone:
      break;
  }
  return "none";
}

PackedFormat packed_format(Quantization quantization) {
  require(quantization != Quantization::kNone, "no quantization has no format");
  return quantization == Quantization::kInt8 ? PackedFormat::kInt8 : PackedFormat::kInt4;
}

bool is_quantizable(const TensorSpec& spec) {
  switch (spec.kind) {
    case WeightKind::kAttention:
      return spec.shape.size() == 2 && !ends_with(spec.name, ".kv_b_proj.weight");
    case WeightKind::kDenseMlp:
    case WeightKind::kRoutedExperts:
    case WeightKind::kSharedExperts:
    case WeightKind::kLmHead:
      return spec.shape.size() == 2;
    default:
      return false;
  }
}

TensorSpec QuantizedMatrix::panels() const {
  TensorSpec spec;
  spec.name = name;
  spec.shape = {shape.num_panels(), shape.num_groups(), shape.panel_bytes() / shape.num_groups()};
  spec.type = StoredType::kU8;
  return spec;
}

TensorSpec QuantizedMatrix::scales() const {
  TensorSpec spec;
  spec.name = name + "_scale";
  spec.shape = {shape.num_panels(), shape.num_groups(), kTileColumns};
  spec.type = StoredType::kBF16;
  return spec;
}

std::vector<QuantizedMatrix> quantized_matrices(const std::vector<TensorSpec>& specs, Quantization quantization) {
  const PackedFormat format = packed_format(quantization);
  std::vector<QuantizedMatrix> matrices;
  for (const TensorSpec& spec : specs) {
    if (!is_quantizable(spec) || ends_with(spec.name, kUp)) continue;
    QuantizedMatrix matrix{spec.name, {spec.name}, {format, spec.shape[1], spec.shape[0], /*is_gated=*/false}};
    if (ends_with(spec.name, kGate)) {
      const std::string mlp = spec.name.substr(0, spec.name.size() - kGate.size());
      matrix.name = mlp + ".gate_up_proj.weight";
      matrix.sources.push_back(mlp + kUp);
      matrix.shape.is_gated = true;
    }
    matrices.push_back(matrix);
  }
  return matrices;
}

std::vector<TensorSpec> quantized_tensors(const std::vector<TensorSpec>& specs, Quantization quantization) {
  std::vector<TensorSpec> tensors;
  for (const QuantizedMatrix& matrix : quantized_matrices(specs, quantization)) {
    tensors.push_back(matrix.panels());
    tensors.push_back(matrix.scales());
  }
  for (const TensorSpec& spec : specs) {
    if (!is_quantizable(spec)) tensors.push_back(spec);
  }
  return tensors;
}

Quantization resolve_quantization(const ModelConfig& config, const RuntimeConfig& runtime) {
  const Quantization wanted = runtime.quantization;
  const Quantization stored = config.quantization;
  if (wanted != Quantization::kNone && stored != Quantization::kNone && wanted != stored) {
    throw Error(ErrorCode::kModelLoad,
                "quantization is " + quantization_name(wanted) + ", but the checkpoint is quantized to " +
                    quantization_name(stored) + "; allowed: none, " + quantization_name(stored),
                "quantization");
  }
  const Quantization result = stored == Quantization::kNone ? wanted : stored;
  if (result != Quantization::kNone && runtime.device != DeviceType::kCpu) {
    throw Error(ErrorCode::kModelLoad, "quantization is " + quantization_name(result) + "; allowed on cuda: none",
                "quantization");
  }
  return result;
}

}  // namespace spyhop
