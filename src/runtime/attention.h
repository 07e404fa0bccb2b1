// Self-attention of the language model over cached sequences.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/kernels/attend.h"
#include "runtime/kernels/rope.h"
#include "runtime/kv_cache.h"
#include "runtime/weights.h"

namespace spyhop {

/// The rows of a step that belong to one sequence.
struct SequenceSpan {
  int64_t first_row = 0;
  int64_t num_tokens = 0;
  int64_t first_position = 0;
  const std::vector<int32_t>* block_table = nullptr;

  int64_t num_keys() const { return first_position + num_tokens; }
};

/// The sequences as the attention kernel takes them.
std::vector<kernels::AttendSpan> attend_spans(const std::vector<SequenceSpan>& sequences);

/// What every layer of a step shares.
struct StepBatch {
  std::vector<SequenceSpan> sequences;  // in row order, without gaps
  kernels::RopeTable rope;
};

class Attention {
 public:
  virtual ~Attention() = default;

  /// x: [num_tokens, hidden], normalised. Writes the new tokens' rows into `cache`, then attends. Returns [num_tokens, hidden].
  virtual at::Tensor forward(const at::Tensor& x, const StepBatch& batch, KvLayer& cache) const = 0;
};

/// What a layer caches of each token.
std::vector<kernels::RowKind> kv_row_kinds(const LanguageConfig& config);

/// Dimensions that rotate: the whole head (MHA) or its rope part (MLA).
int rope_dim(const LanguageConfig& config);

/// `prefix` is the layer's "...self_attn". Multi-head or latent attention, as the config says.
std::unique_ptr<Attention> make_attention(const Weights& weights, const std::string& prefix, const LanguageConfig& config);

}  // namespace spyhop
