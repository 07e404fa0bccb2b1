// A mixture-of-experts layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/layers.h"
#include "runtime/router.h"
#include "runtime/weights.h"

namespace spyhop {

/// The experts chosen, for parity checks.
struct MoeTrace {
  at::Tensor topk_ids;      // [num_tokens, k] int64
  at::Tensor topk_weights;  // [num_tokens, k] f32
};

/// Routed experts, mixed in f32, plus the shared ones, unweighted. Only experts that some token chose are computed, each one
/// once per step over all of its tokens. Source: DeepseekV2MoE.
class Moe {
 public:
  Moe(const Weights& weights, const std::string& prefix, const LanguageConfig& config);

  /// x: [num_tokens, hidden]. Returns [num_tokens, hidden].
  at::Tensor forward(const at::Tensor& x, MoeTrace* trace = nullptr) const;

 private:
  struct Group;  // the tokens of one expert
  struct Results {
    at::Tensor routed;  // [num_tokens * k, hidden]
    at::Tensor shared;  // [num_tokens, hidden]
  };
  Results run_experts(const at::Tensor& rows, const std::vector<Group>& groups, const at::Tensor& x) const;
  Results run_experts_in_turn(const at::Tensor& rows, const std::vector<Group>& groups, const at::Tensor& x) const;

  Router router_;
  std::vector<GatedMlp> experts_;
  std::optional<GatedMlp> shared_experts_;
};

}  // namespace spyhop
