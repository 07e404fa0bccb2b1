#include "runtime/weight_plan.h"

#include <algorithm>
#include <map>
#include <string>

#include "runtime/kernels/dot_tile.h"

namespace spyhop {
namespace {

constexpr int64_t kF32Bytes = 4;

bool ends_with(const std::string& name, const std::string& tail) {
  return name.size() >= tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
}

int64_t rounded_up(int64_t number, int64_t multiple) {
  return (number + multiple - 1) / multiple * multiple;
}

/// A matrix [out, in] in panels of 32 outputs.
int64_t panel_bytes(int64_t element_bytes, int64_t in, int64_t out) {
  return rounded_up(out, kernels::kTileColumns) * rounded_up(in * element_bytes, kernels::kStepBytes);
}

class WeightSizes {
 public:
  WeightSizes(const ModelConfig& config, const RuntimeConfig& runtime)
      : language_(config.language), element_bytes_(runtime.compute == ComputeType::kF32 ? kF32Bytes : 2) {}

  int64_t source_bytes(const TensorSpec& spec) const { return spec.num_elements() * element_bytes_; }

  int64_t kept_bytes(const TensorSpec& spec) const {
    if (!is_matrix(spec)) return spec.num_elements() * (spec.kind == WeightKind::kRouter ? kF32Bytes : element_bytes_);
    const int64_t out = spec.shape.front();
    const int64_t in = spec.num_elements() / out;
    if (spec.kind == WeightKind::kRouter) return panel_bytes(kF32Bytes, in, out);
    if (is_gated(spec)) {
      // Gate and up share panels: half of each is this one's.
      return panel_bytes(element_bytes_, in, kernels::kTileColumns * rounded_up(out, kernels::kHalfTile) / kernels::kHalfTile) /
             2;
    }
    if (ends_with(spec.name, ".kv_b_proj.weight")) return absorbed_bytes();
    return panel_bytes(element_bytes_, in, out);
  }

  static bool is_gated(const TensorSpec& spec) {
    return ends_with(spec.name, ".gate_proj.weight") || ends_with(spec.name, ".up_proj.weight");
  }

 private:
  /// The rest is kept as it is in the checkpoint.
  static bool is_matrix(const TensorSpec& spec) {
    return spec.shape.size() > 1 && ends_with(spec.name, ".weight") && spec.kind != WeightKind::kEmbedding;
  }

  /// kv_b of latent attention: per head a matrix for keys, turned, and one for values.
  int64_t absorbed_bytes() const {
    return language_.num_heads * (panel_bytes(element_bytes_, language_.qk_nope_head_dim, language_.kv_lora_rank) +
                                  panel_bytes(element_bytes_, language_.kv_lora_rank, language_.v_head_dim));
  }

  const LanguageConfig& language_;
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
    plan.largest_source = std::max(plan.largest_source, sizes.source_bytes(spec) * (WeightSizes::is_gated(spec) ? 2 : 1));
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
