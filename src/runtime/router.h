// Which experts a token goes to.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/layers.h"
#include "runtime/weights.h"

namespace spyhop {

/// The experts of every token, k each, best first.
struct Routing {
  int64_t num_tokens = 0;
  int64_t k = 0;
  std::vector<int32_t> ids;    // [num_tokens, k]
  std::vector<float> weights;  // [num_tokens, k]
};

/// Gate of one MoE layer, in f32 whatever the compute type. Equal scores: the lower expert first.
/// Source: MoEGate.
class Router {
 public:
  Router(const Weights& weights, const std::string& prefix, const LanguageConfig& config);

  /// x: [num_tokens, hidden] in the compute type.
  Routing route(const at::Tensor& x) const;

  /// The same from the gate's products. logits: [num_tokens, num_experts] f32.
  Routing choose(const at::Tensor& logits) const;

 private:
  std::vector<float> scores(const float* logits) const;
  std::vector<float> keep_best_groups(std::vector<float> choice) const;

  Linear gate_;            // hidden -> num_experts, f32
  std::vector<float> bias_;  // [num_experts], kNoauxTc only
  LanguageConfig config_;
};

}  // namespace spyhop
