// What steps of a model must multiply and read, from dimensions alone.
#pragma once

#include <cstdint>

#include "registry/model_config.h"
#include "runtime/weight_plan.h"
#include "spyhop/config.h"

namespace spyhop {

/// Operations (a multiplication and an addition are two) of a prompt of `num_tokens` from its first position on, with logits of
/// its last token only. Attention counts as the model defines it, with a key and a value for each head, and only the pairs that
/// see each other: what an implementation does beyond that is its own loss.
double prefill_operations(const LanguageConfig& config, int64_t num_tokens);

/// Operations of one tile's way through tower and projector.
double tile_operations(const ModelConfig& config);

/// What generating a token for each of some sequences reads.
struct DecodeTraffic {
  double distinct_experts_per_layer = 0;  // mean over MoE layers and steps; the routed ones
  double positions = 0;                   // cached rows that are read, of all sequences together; mean over steps
};
double decode_bytes(const ModelConfig& config, const RuntimeConfig& runtime, const DecodeTraffic& traffic);

}  // namespace spyhop
