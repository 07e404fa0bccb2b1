#include "runtime/language_model.h"

#include <ATen/ATen.h>

#include <string>

#include "runtime/kernels/rope.h"
#include "runtime/kernels/rows.h"

namespace spyhop {
namespace {

std::string layer_prefix(int index) {
  return "language.model.layers." + std::to_string(index);
}

at::Tensor positions_of(const std::vector<SequenceSpan>& sequences, const at::Device& device) {
  std::vector<int64_t> positions;
  for (const SequenceSpan& span : sequences) {
    for (int64_t i = 0; i < span.num_tokens; ++i) positions.push_back(span.first_position + i);
  }
  return at::tensor(positions, at::kLong).to(device);
}

}  // namespace

DecoderLayer::DecoderLayer(const Weights& weights, int index, const LanguageConfig& config)
    : input_norm_(weights, layer_prefix(index) + ".input_layernorm", config.rms_norm_eps),
      attention_(make_attention(weights, layer_prefix(index) + ".self_attn", config)),
      post_attention_norm_(weights, layer_prefix(index) + ".post_attention_layernorm", config.rms_norm_eps) {
  if (config.is_moe_layer(index)) {
    moe_.emplace(weights, layer_prefix(index) + ".mlp", config);
  } else {
    dense_.emplace(weights, layer_prefix(index) + ".mlp");
  }
}

void DecoderLayer::forward(const at::Tensor& hidden, const StepBatch& batch, KvLayer& cache, ForwardTrace* trace) const {
  kernels::add_in_place(hidden, attention_->forward(input_norm_.forward(hidden), batch, cache));
  const at::Tensor normed = post_attention_norm_.forward(hidden);
  if (dense_) {
    kernels::add_in_place(hidden, dense_->forward(normed));
  } else {
    MoeTrace chosen;
    kernels::add_in_place(hidden, moe_->forward(normed, trace == nullptr ? nullptr : &chosen));
    if (trace != nullptr) {
      trace->topk_ids.push_back(chosen.topk_ids);
      trace->topk_weights.push_back(chosen.topk_weights);
    }
  }
  if (trace != nullptr) trace->layers.push_back(hidden.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true));
}

LanguageModel::LanguageModel(const Weights& weights, const LanguageConfig& config)
    : config_(config),
      embed_tokens_(weights.at("language.model.embed_tokens.weight")),
      norm_(weights, "language.model.norm", config.rms_norm_eps),
      lm_head_(weights, "language.lm_head") {
  for (int i = 0; i < config.num_layers; ++i) layers_.emplace_back(weights, i, config);
}

at::Tensor LanguageModel::embed(const std::vector<int32_t>& token_ids) const {
  return kernels::gather_rows(embed_tokens_, std::vector<int64_t>(token_ids.begin(), token_ids.end()));
}

at::Tensor LanguageModel::forward(const at::Tensor& embeddings, const std::vector<SequenceSpan>& sequences,
                                  const std::vector<int64_t>& wanted, KvCache& cache, ForwardTrace* trace) const {
  const at::Tensor positions = positions_of(sequences, embeddings.device());
  const StepBatch batch{sequences,
                        kernels::make_rope_table(positions, rope_dim(config_), config_.rope_theta, embeddings.scalar_type())};
  if (trace != nullptr) {
    *trace = {};
    trace->inputs_embeds = embeddings.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  }
  for (size_t i = 0; i < layers_.size(); ++i) layers_[i].forward(embeddings, batch, cache.layer(static_cast<int>(i)), trace);

  const at::Tensor rows = at::tensor(wanted, at::kLong).to(embeddings.device());
  if (trace != nullptr) {
    trace->logits = lm_head_.forward(norm_.forward(embeddings)).to(at::kFloat);
    return trace->logits.index_select(0, rows);
  }
  if (wanted.empty()) return at::empty({0, config_.vocab_size}, embeddings.options().dtype(at::kFloat));
  return lm_head_.forward(norm_.forward(embeddings.index_select(0, rows))).to(at::kFloat);
}

}  // namespace spyhop
