// How much memory the weights take, as they are kept.
#pragma once

#include <cstdint>
#include <vector>

#include "registry/model_config.h"
#include "runtime/weights.h"
#include "spyhop/config.h"

namespace spyhop {

/// All weights of one kind that the model uses.
struct WeightPart {
  WeightKind kind = WeightKind::kVision;
  int64_t num_parameters = 0;
  int64_t num_bytes = 0;  // packed, quantized, padded: as the model keeps them
};

struct WeightPlan {
  std::vector<WeightPart> parts;  // those there are, in the order of kWeightKinds
  int64_t largest_source = 0;     // bytes: what one matrix (of a gated MLP two) takes at most before it is packed

  int64_t num_parameters() const;
  int64_t num_bytes() const;
  int64_t num_bytes(WeightKind kind) const;  // 0 for a kind that is not there
};

/// From dimensions alone, on the CPU. Exact: what PackedMatrix and the layers allocate, save the rounding to whole pages.
WeightPlan plan_weights(const ModelConfig& config, const RuntimeConfig& runtime);

/// Bytes of weights that one step of generation reads: all of the language model but the embeddings, and of the routed experts
/// `experts_per_layer` in each MoE layer (num_experts_per_token for one sequence, more for several).
int64_t weight_bytes_per_step(const LanguageConfig& config, const WeightPlan& weights, double experts_per_layer);

}  // namespace spyhop
