// How much memory a model takes on a machine, before anything of it is loaded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/weight_plan.h"
#include "spyhop/config.h"

namespace spyhop {

/// Bytes, unless said. Weights and KV cache are exact, the rest are upper bounds of what the settings allow.
struct MemoryPlan {
  WeightPlan weights;
  int64_t loading = 0;  // beside finished weights, while they are made: nothing of it stays

  int max_context = 0;  // tokens
  int64_t kv_bytes_per_token = 0;
  int64_t kv_tokens = 0;  // capacity of the cache
  int64_t kv_cache = 0;

  int64_t language_activations = 0;
  int64_t logits = 0;
  int64_t vision_activations = 0;  // of the tiles that go through the tower together
  int64_t image_decoding = 0;      // of one image of the largest size allowed
  int64_t image_features = 0;      // of running answers, were all of their tokens images
  int64_t vision_cache = 0;
  int64_t program = 0;  // code, tokenizer, connections and what the C library keeps of freed memory

  int64_t kv_bytes_per_context() const { return kv_bytes_per_token * max_context; }
  int64_t beside_weights_and_kv() const;
  int64_t total() const;
};

/// A pure function of its arguments. `config`: a max_context of 0 is the model's; num_threads must be known, 0 counts as one.
/// `available`: memory that can be had, by which the KV cache is sized where no setting does; 0 = not known. Throws
/// Error{kModelLoad} for settings of the KV cache that make no sense on any machine.
MemoryPlan plan_memory(const ModelConfig& model, const EngineConfig& config, int64_t available);

/// A setting that would do, and what it would need.
struct FittingSetting {
  std::string flags;  // "--quantization int4"
  int64_t num_bytes = 0;
};

/// What would make a plan fit that does not: each setting by itself where that is enough, else the least demanding settings
/// together if these do. Empty when nothing does.
std::vector<FittingSetting> fitting_settings(const ModelConfig& model, const EngineConfig& config, int64_t available);

/// Throws Error{kModelLoad} naming need, machine and fitting_settings when the plan needs more than `available`, unless that is
/// 0. `plan` is that of the other arguments.
void require_fit(const MemoryPlan& plan, const ModelConfig& model, const EngineConfig& config, int64_t available);

}  // namespace spyhop
