#include "runtime/memory_plan.h"

#include <algorithm>

#include "common/byte_size.h"
#include "runtime/activation_plan.h"
#include "runtime/kv_plan.h"
#include "runtime/quantization.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// Measured: 100 MiB of program and libraries, 90 of anonymous memory once a model is loaded, 50 more after prompts of full
/// length; the rest is for the large vocabularies' tokenizers and for connections.
constexpr int64_t kProgramBytes = int64_t{320} << 20;

int64_t compute_bytes(ComputeType compute) {
  return compute == ComputeType::kF32 ? 4 : 2;
}

int context_of(const ModelConfig& model, const EngineConfig& config) {
  return config.max_context > 0 ? config.max_context : model.language.max_position_embeddings;
}

/// The runtime's settings as the engine fills them in.
RuntimeConfig with_contexts(const RuntimeConfig& runtime, int max_context, int max_num_seqs) {
  RuntimeConfig filled = runtime;
  filled.kv_least_tokens = max_context;
  filled.kv_most_tokens = int64_t{max_num_seqs} * max_context;
  return filled;
}

void plan_step(const ModelConfig& model, const EngineConfig& config, MemoryPlan& plan) {
  const RuntimeConfig& runtime = config.runtime;
  const int threads = std::max(1, runtime.num_threads);
  const bool quantizes = resolve_quantization(model, runtime) != Quantization::kNone;
  const StepShape step{std::max(config.prefill_chunk, config.max_num_seqs), config.max_num_seqs, plan.max_context, threads,
                       quantizes};
  plan.language_activations = language_activation_bytes(model.language, runtime.compute, step);
  plan.logits = logits_bytes(model.language, runtime.compute, step);
  plan.vision_activations = vision_activation_bytes(model, runtime.compute, runtime.vision_batch, threads);
}

/// Tiles of the largest grid, the global view included.
int64_t most_tiles(const ProcessorConfig& processor) {
  int64_t most = 1;
  for (const Resolution& resolution : processor.candidate_resolutions) {
    most = std::max(most, int64_t{resolution.width / processor.image_size} * (resolution.height / processor.image_size));
  }
  return 1 + most;
}

void plan_images(const ModelConfig& model, const EngineConfig& config, MemoryPlan& plan) {
  const ProcessorConfig& processor = model.processor;
  const int64_t row = model.language.hidden_size * compute_bytes(config.runtime.compute);
  const int64_t side = processor.tile_tokens();
  const int64_t tiles = most_tiles(processor);
  const int64_t tile_bytes = int64_t{3} * processor.image_size * processor.image_size;
  plan.image_decoding = 3 * config.images.max_pixels + static_cast<int64_t>(config.images.max_bytes) + 2 * tiles * tile_bytes;
  // Tiles as the tower gives them, stacked and in token order; then what every running answer holds.
  const int64_t arranging = 3 * tiles * side * side * row;
  plan.image_features = arranging + int64_t{config.max_num_seqs} * plan.max_context * row;
  plan.vision_cache = config.vision_cache_bytes;
}

}  // namespace

int64_t MemoryPlan::beside_weights_and_kv() const {
  return program + language_activations + logits + vision_activations + image_decoding + image_features + vision_cache;
}

int64_t MemoryPlan::total() const {
  return weights.num_bytes() + program + std::max(loading, kv_cache + beside_weights_and_kv() - program);
}

MemoryPlan plan_memory(const ModelConfig& model, const EngineConfig& config, int64_t available) {
  MemoryPlan plan;
  plan.weights = plan_weights(model, config.runtime);
  plan.loading = plan.weights.largest_source;
  plan.max_context = context_of(model, config);
  plan.program = kProgramBytes;
  plan_step(model, config, plan);
  plan_images(model, config, plan);

  const RuntimeConfig runtime = with_contexts(config.runtime, plan.max_context, config.max_num_seqs);
  plan_kv_cache(model.language, runtime, {});  // refuses what fits no machine
  const int64_t spare = std::max<int64_t>(0, available - plan.weights.num_bytes() - plan.beside_weights_and_kv());
  plan.kv_bytes_per_token = kv_bytes_per_token(model.language, runtime.compute);
  plan.kv_tokens = kv_capacity(model.language, runtime, {available, spare});
  plan.kv_cache = plan.kv_tokens * plan.kv_bytes_per_token;
  return plan;
}

}  // namespace spyhop
