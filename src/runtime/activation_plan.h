// How much memory a step takes beside weights and caches.
#pragma once

#include <cstdint>

#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

/// The largest step that the engine makes.
struct StepShape {
  int64_t num_rows = 0;     // tokens computed
  int64_t num_logits = 0;   // tokens whose successor is sampled
  int64_t max_context = 0;  // tokens that one of them sees
  int num_threads = 1;
  bool quantizes_inputs = false;  // of products with quantized weights
};

/// Tensors of the language model that are alive at once at the worst moment of a step, and the threads' scratch memory. Bytes.
int64_t language_activation_bytes(const LanguageConfig& config, ComputeType compute, const StepShape& step);

/// The head's results and what the samplers make of some rows at a time.
int64_t logits_bytes(const LanguageConfig& config, ComputeType compute, const StepShape& step);

/// The same as language_activation_bytes for tiles on their way through tower and projector, their pixels included.
int64_t vision_activation_bytes(const ModelConfig& config, ComputeType compute, int num_tiles, int num_threads);

}  // namespace spyhop
