// Runs a case's prompt as the engine does, chunk by chunk over a paged cache, and keeps what the reference recorded.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "prompt/image.h"
#include "runtime/runner.h"

namespace spyhop {

struct GoldenRunImage {
  TileGrid grid;
  int first_token = 0;  // index in the prompt of its first image token
  at::Tensor pixels;    // [1 + cols * rows, 3, S, S] f32
};

struct GoldenRunInput {
  std::vector<int32_t> token_ids;
  std::vector<GoldenRunImage> images;
  int max_new_tokens = 0;  // per answer
  int prefill_chunk = 0;   // tokens
};

/// All tiles of all images, in order.
struct GoldenVision {
  at::Tensor patch_embed;    // [num_tiles, g*g, W] f32
  at::Tensor vision_out;     // [num_tiles, g*g, W] f32
  at::Tensor projector_out;  // [num_tiles, t*t, hidden] f32
};

struct GoldenPrefill {
  at::Tensor inputs_embeds;  // [num_tokens, hidden] f32
  at::Tensor layers;         // [num_layers, num_tokens, hidden] f32: residual stream after each layer
  at::Tensor topk_ids;       // [num_moe_layers, num_tokens, k] int64; undefined without MoE layers
  at::Tensor topk_weights;   // [num_moe_layers, num_tokens, k] f32; undefined without MoE layers
  at::Tensor argmax;         // [num_tokens] int64
  at::Tensor last_logits;    // [vocab] f32
};

struct GoldenGenerated {
  std::vector<int64_t> token_ids;  // [max_new_tokens], never stopped at eos
  at::Tensor logits;               // [max_new_tokens, vocab] f32, from which each was chosen
};

/// One prompt in the runner's cache; the steps are vision, prefill, then generate as often as wanted.
class GoldenRun {
 public:
  /// Throws Error{kInvalidRequest} when the cache cannot hold prompt and answer.
  GoldenRun(Runner& runner, GoldenRunInput input);

  GoldenVision encode_images();
  GoldenPrefill prefill();

  /// Greedy answer after prefill; `repetition_penalty` counts the prompt's tokens too where `penalise_prompt` is set.
  GoldenGenerated generate(double repetition_penalty, bool penalise_prompt);

 private:
  SequenceChunk chunk_at(int position, int num_tokens) const;

  Runner& runner_;
  GoldenRunInput input_;
  std::vector<int32_t> block_table_;
  std::vector<FeatureSpan> features_;  // offsets in the whole prompt
  at::Tensor last_logits_;             // of the prompt
};

}  // namespace spyhop
