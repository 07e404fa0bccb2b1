// The model's part of a case: tower, projector, residual stream, router, logits and generated tokens against the record.
#pragma once

#include <vector>

#include "cli/verify_golden_report.h"
#include "cli/verify_golden_run.h"
#include "cli/verify_golden_set.h"
#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

/// How far a value may be from the reference computed in f32.
struct GoldenTolerances {
  double activations = 1e-4;            // absolute: tower, projector, embeddings, residual stream, router weights
  double layers_after_near_tie = 2e-3;  // absolute: rows of the residual stream that a close choice of experts reaches
  double logits = 1e-3;                 // absolute
  double certain_margin = 1e-3;         // of the best logit over the next, from which the argmax must agree
  double bf16_relative_rms = 0.02;      // embeddings
  double bf16_cosine = 0.99;            // last logits
  double bf16_argmax_share = 0.8;       // of the prompt's positions
};

/// The tolerances for a model: with bf16, a sigmoid gate with renormalised weights makes a flipped expert count fully.
GoldenTolerances golden_tolerances(const LanguageConfig& language);

struct GoldenModelContext {
  Runner& runner;
  ComputeType compute = ComputeType::kF32;
};

/// Runs the case and adds its checks to `report`: everything the case's tensors hold.
void check_model(const GoldenCase& golden, GoldenRunInput input, const GoldenModelContext& context, CaseReport& report);

/// What a measured share of `num_samples` must exceed where the true share is to exceed `share`: one standard deviation less,
/// as the share of a short prompt scatters.
double share_limit(double share, size_t num_samples);

/// Per (layer, position) the tolerance of the residual stream: wider from a near-tied MoE layer on, at its position and behind
/// it.
std::vector<double> layer_tolerances(const std::vector<RouterNearTie>& ties, const LanguageConfig& language,
                                     const std::vector<int64_t>& positions);

}  // namespace spyhop
