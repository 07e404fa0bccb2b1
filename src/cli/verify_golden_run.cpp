#include "cli/verify_golden_run.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {
namespace {

at::Tensor cat_if_any(const std::vector<at::Tensor>& parts, int64_t dim) {
  return parts.empty() ? at::Tensor() : at::cat(parts, dim);
}

at::Tensor stack_if_any(const std::vector<at::Tensor>& parts) {
  return parts.empty() ? at::Tensor() : at::stack(parts);
}

SamplingParams greedy_params(double repetition_penalty) {
  SamplingParams params;
  params.temperature = 0;
  params.repetition_penalty = repetition_penalty;
  return params;
}

/// Traces of consecutive chunks, put together along the tokens.
class PrefillTraces {
 public:
  void add(const ForwardTrace& trace) {
    embeds_.push_back(trace.inputs_embeds);
    layers_.push_back(stack_if_any(trace.layers));
    if (!trace.topk_ids.empty()) {
      topk_ids_.push_back(at::stack(trace.topk_ids));
      topk_weights_.push_back(at::stack(trace.topk_weights));
    }
    argmax_.push_back(at::argmax(trace.logits, 1));
    last_logits_ = trace.logits.select(0, trace.logits.size(0) - 1).clone();
  }

  GoldenPrefill join() const {
    return {cat_if_any(embeds_, 0),       cat_if_any(layers_, 1), cat_if_any(topk_ids_, 1),
            cat_if_any(topk_weights_, 1), cat_if_any(argmax_, 0), last_logits_};
  }

 private:
  std::vector<at::Tensor> embeds_, layers_, topk_ids_, topk_weights_, argmax_;
  at::Tensor last_logits_;
};

}  // namespace

GoldenRun::GoldenRun(Runner& runner, GoldenRunInput input) : runner_(runner), input_(std::move(input)) {
  const int num_tokens = static_cast<int>(input_.token_ids.size()) + input_.max_new_tokens;
  const int num_blocks = (num_tokens + runner_.kv_block_size() - 1) / runner_.kv_block_size();
  if (num_blocks > runner_.num_kv_blocks()) {
    throw Error(ErrorCode::kInvalidRequest,
                fmt::format("{} tokens need {} KV blocks, the cache has {}", num_tokens, num_blocks, runner_.num_kv_blocks()));
  }
  // In falling order, so that a cache that takes neighbouring blocks for granted shows.
  for (int i = num_blocks - 1; i >= 0; --i) block_table_.push_back(i);
}

GoldenVision GoldenRun::encode_images() {
  std::vector<at::Tensor> patch_embed;
  std::vector<at::Tensor> vision_out;
  std::vector<at::Tensor> projector_out;
  for (const GoldenRunImage& image : input_.images) {
    VisionTrace trace;
    const at::Tensor tile_features = runner_.encode_tiles(image.pixels, &trace);
    features_.push_back({image.first_token, runner_.arrange_image(tile_features, image.grid.cols, image.grid.rows)});
    patch_embed.push_back(trace.patch_embed);
    vision_out.push_back(trace.vision_out);
    projector_out.push_back(trace.projector_out);
  }
  return {cat_if_any(patch_embed, 0), cat_if_any(vision_out, 0), cat_if_any(projector_out, 0)};
}

SequenceChunk GoldenRun::chunk_at(int position, int num_tokens) const {
  SequenceChunk chunk;
  const auto begin = input_.token_ids.begin() + position;
  chunk.token_ids.assign(begin, begin + num_tokens);
  chunk.first_position = position;
  const int num_blocks = (position + num_tokens + runner_.kv_block_size() - 1) / runner_.kv_block_size();
  chunk.block_table.assign(block_table_.begin(), block_table_.begin() + num_blocks);
  for (const FeatureSpan& span : features_) {
    const int first = std::max(span.offset, position);
    const int end = std::min(span.offset + static_cast<int>(span.features.size(0)), position + num_tokens);
    if (first >= end) continue;
    chunk.features.push_back({first - position, span.features.slice(0, first - span.offset, end - span.offset)});
  }
  return chunk;
}

GoldenPrefill GoldenRun::prefill() {
  PrefillTraces traces;
  const int num_tokens = static_cast<int>(input_.token_ids.size());
  for (int position = 0; position < num_tokens; position += input_.prefill_chunk) {
    ForwardTrace trace;
    runner_.run({chunk_at(position, std::min(input_.prefill_chunk, num_tokens - position))}, &trace);
    traces.add(trace);
  }
  GoldenPrefill prefill = traces.join();
  last_logits_ = prefill.last_logits.contiguous();
  return prefill;
}

GoldenGenerated GoldenRun::generate(double repetition_penalty, bool penalise_prompt) {
  const std::vector<int32_t> counted = penalise_prompt ? input_.token_ids : std::vector<int32_t>();
  SequenceSampler sampler(greedy_params(repetition_penalty), counted, static_cast<int>(last_logits_.size(0)), /*seed=*/0);
  GoldenGenerated generated;
  std::vector<at::Tensor> logits = {last_logits_};
  generated.token_ids.push_back(sampler.sample(last_logits_.data_ptr<float>()).id);
  // Steps overwrite the cache behind the prompt, so every answer starts from the same prefill.
  for (int i = 1; i < input_.max_new_tokens; ++i) {
    SequenceChunk chunk;
    chunk.token_ids = {static_cast<int32_t>(generated.token_ids.back())};
    chunk.first_position = static_cast<int>(input_.token_ids.size()) + i - 1;
    chunk.block_table = block_table_;
    chunk.sampler = &sampler;
    ForwardTrace trace;
    const auto sampled = runner_.run({chunk}, &trace);
    generated.token_ids.push_back(sampled.at(0).value().id);
    logits.push_back(trace.logits.select(0, 0).clone());
  }
  generated.logits = at::stack(logits);
  return generated;
}

}  // namespace spyhop
