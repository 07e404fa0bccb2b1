// The decoder: embeddings of a step's tokens -> logits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "registry/model_config.h"
#include "runtime/attention.h"
#include "runtime/kv_cache.h"
#include "runtime/layers.h"
#include "runtime/moe.h"
#include "runtime/runner.h"
#include "runtime/weights.h"

namespace spyhop {

/// One pre-norm layer: h += attention(norm(h)); h += mlp(norm(h)).
/// Source: DeepseekV2DecoderLayer.
class DecoderLayer {
 public:
  DecoderLayer(const Weights& weights, int index, const LanguageConfig& config);

  /// Adds to `hidden` in place: [num_tokens, hidden], the residual stream.
  void forward(const at::Tensor& hidden, const StepBatch& batch, KvLayer& cache, ForwardTrace* trace) const;

 private:
  RmsNorm input_norm_;
  std::unique_ptr<Attention> attention_;
  RmsNorm post_attention_norm_;
  std::optional<GatedMlp> dense_;  // exactly one of the two
  std::optional<Moe> moe_;
};

/// Source: DeepseekV2ForCausalLM.
class LanguageModel {
 public:
  LanguageModel(const Weights& weights, const LanguageConfig& config);

  /// token_ids: each in 0 .. vocab_size - 1. Returns [num_tokens, hidden].
  at::Tensor embed(const std::vector<int32_t>& token_ids) const;

  /// Runs all layers over `embeddings` [num_tokens, hidden] (overwritten) and the head over the rows `wanted`. `positions`: of
  /// each token in its sequence. With a trace the head runs over all rows. Returns [wanted.size(), vocab_size] f32.
  at::Tensor forward(const at::Tensor& embeddings, const std::vector<SequenceSpan>& sequences,
                     const std::vector<int64_t>& wanted, KvCache& cache, ForwardTrace* trace) const;

 private:
  LanguageConfig config_;
  at::Tensor embed_tokens_;  // [vocab_size, hidden]
  std::vector<DecoderLayer> layers_;
  RmsNorm norm_;
  Linear lm_head_;
};

}  // namespace spyhop
