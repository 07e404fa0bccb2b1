// The model as the engine drives it: images -> feature rows, a batch of chunks -> sampled tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/sampler.h"
#include "spyhop/config.h"

namespace spyhop {

/// Feature rows that replace the embeddings of a chunk's image tokens.
struct FeatureSpan {
  int offset = 0;       // first row of the chunk it replaces
  at::Tensor features;  // [num_rows, hidden], compute dtype
};

/// New tokens of one sequence in a step: a part of its prompt, or the token sampled last.
struct SequenceChunk {
  std::vector<int32_t> token_ids;    // [num_tokens]
  int first_position = 0;            // tokens of the sequence already in the cache
  std::vector<int32_t> block_table;  // KV blocks, in order, that hold positions 0 .. first_position + num_tokens - 1
  std::vector<FeatureSpan> features;
  SequenceSampler* sampler = nullptr;  // null: no token is wanted yet (more of the prompt follows)
  TokenFilter* filter = nullptr;       // null: every token is allowed
};

/// Intermediate values for parity checks; filled when a pointer is handed to Runner::run.
struct ForwardTrace {
  at::Tensor inputs_embeds;              // [num_tokens, hidden] f32
  std::vector<at::Tensor> layers;        // per layer: residual stream after it, [num_tokens, hidden] f32
  std::vector<at::Tensor> topk_ids;      // per MoE layer: [num_tokens, k] int64
  std::vector<at::Tensor> topk_weights;  // per MoE layer: [num_tokens, k] f32
  at::Tensor logits;                     // [num_tokens, vocab] f32, every position
};

struct VisionTrace {
  at::Tensor patch_embed;    // [num_tiles, g*g, W] before pos_embed, f32
  at::Tensor vision_out;     // [num_tiles, g*g, W] after the final norm, f32
  at::Tensor projector_out;  // [num_tiles, t*t, hidden] f32
};

/// Some tiles on their way through tower and projector, which can rest between any two layers.
struct TileEncoding {
  at::Tensor hidden;    // what the next layer takes: pixels at first
  int num_layers = 0;   // of which the patch embedding is the first and the projector the last
  int num_done = 0;     // layers
  at::Tensor features;  // [num_tiles, t*t, hidden] in the compute dtype, once all layers are done

  bool done() const { return num_done == num_layers; }
};

/// Thread safety: one thread drives a runner.
class Runner {
 public:
  virtual ~Runner() = default;

  virtual const ModelConfig& config() const = 0;
  virtual int num_kv_blocks() const = 0;
  virtual int kv_block_size() const = 0;  // tokens

  /// Copies keys and values of a whole block, in every layer.
  virtual void copy_kv_block(int32_t from, int32_t to) = 0;

  /// Tiles before the first layer of the tower. pixels: [num_tiles, 3, S, S] f32, normalised.
  virtual TileEncoding begin_tiles(const at::Tensor& pixels) = 0;

  /// Takes tiles through at most `max_layers` further layers. The results do not depend on how the layers are cut into slices.
  /// When it throws, the encoding is of no use any more.
  virtual void advance_tiles(TileEncoding& tiles, int max_layers, VisionTrace* trace = nullptr) = 0;

  /// The whole way at once. pixels: [num_tiles, 3, S, S] f32, normalised. Returns [num_tiles, t*t, hidden] in the compute
  /// dtype.
  virtual at::Tensor encode_tiles(const at::Tensor& pixels, VisionTrace* trace = nullptr) = 0;

  /// The image's rows in token order, with newlines and separator. tile_features: [1 + cols*rows, t*t, hidden], global view
  /// first.
  virtual at::Tensor arrange_image(const at::Tensor& tile_features, int cols, int rows) = 0;

  /// One forward pass over all chunks; for each chunk the sampled token, or nothing where it has no sampler or its logits allow
  /// none. Throws before any token is sampled, so that a part of the chunks can be run again.
  virtual std::vector<std::optional<SampledToken>> run(const std::vector<SequenceChunk>& chunks,
                                                       ForwardTrace* trace = nullptr) = 0;
};

/// Checks and loads the checkpoint in `dir` (for LoadFormat::kDummy only its config.json is read) and allocates the KV cache.
/// Throws Error{kModelLoad} naming all missing, extra and misshapen tensors together.
std::unique_ptr<Runner> make_runner(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime,
                                    const std::function<void(double share)>& progress = nullptr);

}  // namespace spyhop
