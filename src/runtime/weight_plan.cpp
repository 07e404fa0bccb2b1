#include "runtime/weight_plan.h"

#include <algorithm>
#include <map>
#include <string>

#include "runtime/kernels/packed_matrix.h"
#include "runtime/quantization.h"

namespace spyhop {
namespace {

using kernels::PackedFormat;
using kernels::PackedShape;

constexpr int64_t kF32Bytes = 4;

bool ends_with(const std::string& name, const std::string& tail) {
  return name.size() >= tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
}

/// The rest is kept as it is in the checkpoint.
bool is_matrix(const TensorSpec& spec) {
  return spec.shape.size() > 1 && ends_with(spec.name, ".weight") && spec.kind != WeightKind::kEmbedding;
}

bool is_gated(const TensorSpec& spec) {
  return ends_with(spec.name, ".gate_proj.weight") || ends_with(spec.name, ".up_proj.weight");
}

bool is_absorbed(const TensorSpec& spec) {
  return ends_with(spec.name, ".kv_b_proj.weight");
}

class WeightSizes {
 public:
  WeightSizes(const ModelConfig& config, const RuntimeConfig& runtime)
      : language_(config.language),
        runtime_(runtime),
        quantization_(resolve_quantization(config, runtime)),
        is_stored_quantized_(config.quantization != Quantization::kNone),
        element_bytes_(runtime.compute == ComputeType::kF32 ? kF32Bytes : 2) {}

  /// Of what is packed when it is loaded: gate and up together.
  int64_t source_bytes(const TensorSpec& spec) const {
    if (!is_matrix(spec) || (is_stored_quantized_ && is_quantizable(spec))) return 0;
    return spec.num_elements() * element_bytes_ * (is_gated(spec) ? 2 : 1);
  }

  int64_t kept_bytes(const TensorSpec& spec) const {
    if (!is_matrix(spec)) return spec.num_elements() * (spec.kind == WeightKind::kRouter ? kF32Bytes : element_bytes_);
    if (is_absorbed(spec)) return absorbed_bytes();
    const int64_t out = spec.shape.front();
    const PackedShape shape{format_of(spec), spec.num_elements() / out, out, is_gated(spec)};
    return shape.is_gated ? shape.num_bytes() / 2 : shape.num_bytes();  // gate and up share panels
  }

 private:
  PackedFormat plain() const { return runtime_.compute == ComputeType::kF32 ? PackedFormat::kF32 : PackedFormat::kBf16; }

  PackedFormat format_of(const TensorSpec& spec) const {
    if (spec.kind == WeightKind::kRouter) return PackedFormat::kF32;
    if (quantization_ == Quantization::kNone || !is_quantizable(spec)) return plain();
    return packed_format(quantization_);
  }

  /// kv_b of latent attention: per head a matrix for keys, turned, and one for values.
  int64_t absorbed_bytes() const {
    const PackedShape keys{plain(), language_.qk_nope_head_dim, language_.kv_lora_rank, false};
    const PackedShape values{plain(), language_.kv_lora_rank, language_.v_head_dim, false};
    return language_.num_heads * (keys.num_bytes() + values.num_bytes());
  }

  const LanguageConfig& language_;
  const RuntimeConfig& runtime_;
  Quantization quantization_;
  bool is_stored_quantized_;
  int64_t element_bytes_;
};

}  // namespace

int64_t WeightPlan::num_parameters() const {
  int64_t sum = 0;
  for (const WeightPart& part : parts) sum += part.num_parameters;
  return sum;
}

int64_t WeightPlan::num_bytes() const {
  int64_t sum = 0;
  for (const WeightPart& part : parts) sum += part.num_bytes;
  return sum;
}

int64_t WeightPlan::num_bytes(WeightKind kind) const {
  int64_t sum = 0;
  for (const WeightPart& part : parts) sum += part.kind == kind ? part.num_bytes : 0;
  return sum;
}

WeightPlan plan_weights(const ModelConfig& config, const RuntimeConfig& runtime) {
  const WeightSizes sizes(config, runtime);
  std::map<WeightKind, WeightPart> parts;
  WeightPlan plan;
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (!spec.used) continue;
    WeightPart& part = parts[spec.kind];
    part.kind = spec.kind;
    part.num_parameters += spec.num_elements();
    part.num_bytes += sizes.kept_bytes(spec);
    plan.largest_source = std::max(plan.largest_source, sizes.source_bytes(spec));
  }
  for (const WeightKind kind : kWeightKinds) {
    if (parts.count(kind) != 0) plan.parts.push_back(parts.at(kind));
  }
  return plan;
}

int64_t weight_bytes_per_step(const LanguageConfig& config, const WeightPlan& weights, double experts_per_layer) {
  int64_t bytes = 0;
  for (const WeightPart& part : weights.parts) {
    if (part.kind == WeightKind::kVision || part.kind == WeightKind::kProjector || part.kind == WeightKind::kEmbedding)
      continue;
    if (part.kind == WeightKind::kRoutedExperts) {
      const double share = experts_per_layer / *config.num_routed_experts;
      bytes += static_cast<int64_t>(static_cast<double>(part.num_bytes) * share);
    } else {
      bytes += part.num_bytes;
    }
  }
  return bytes;
}

}  // namespace spyhop
