// A tokenizer and a runner without files or weights: one token per byte, and answers that a test dictates.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "prompt/tokenizer.h"
#include "runtime/runner.h"

namespace spyhop {

/// Ids 0..255 are bytes, then bos, eos, pad, image, user, assistant.
class FakeTokenizer : public Tokenizer {
 public:
  static constexpr int32_t kBos = 256, kEos = 257, kPad = 258, kImage = 259, kUser = 260, kAssistant = 261, kSize = 262;

  std::vector<int32_t> encode(std::string_view text, SpecialTokens) const override {
    std::vector<int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string_view token_bytes(int32_t id) const override {
    if (id >= 0 && id < 256) return {&bytes_[static_cast<size_t>(id)], 1};
    return id == kEos ? std::string_view("<eos>") : std::string_view();
  }
  bool is_special(int32_t id) const override { return id >= 256; }
  std::optional<int32_t> id_of(std::string_view) const override { return std::nullopt; }
  int32_t size() const override { return kSize; }
  const SpecialIds& special_ids() const override { return ids_; }

 private:
  SpecialIds ids_{kBos, kEos, kPad, kImage, kUser, kAssistant};
  std::string bytes_ = [] {
    std::string all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
    return all;
  }();
};

/// What a step asked of the runner.
struct FakeCall {
  std::vector<int> num_tokens;  // per chunk
};

/// Answers every sequence with `answer`, then eos for ever. Tile features are all ones.
class FakeRunner : public Runner {
 public:
  static constexpr int kVisionLayers = 4;

  FakeRunner(std::string answer, int num_blocks, int block_size)
      : answer_(std::move(answer)), num_blocks_(num_blocks), block_size_(block_size) {
    config_.language.vocab_size = 300;
    config_.language.hidden_size = 4;
    config_.processor.image_size = 28;
    config_.processor.candidate_resolutions = {{28, 28}, {56, 28}, {28, 56}};
  }

  const ModelConfig& config() const override { return config_; }
  int num_kv_blocks() const override { return num_blocks_; }
  int kv_block_size() const override { return block_size_; }

  void copy_kv_block(int32_t, int32_t) override {}

  TileEncoding begin_tiles(const at::Tensor& pixels) override {
    TileEncoding tiles;
    tiles.hidden = pixels;
    tiles.num_layers = kVisionLayers;
    return tiles;
  }
  void advance_tiles(TileEncoding& tiles, int max_layers, VisionTrace*) override {
    for (int i = 0; i < max_layers && !tiles.done(); ++i) {
      if (on_encode) on_encode();
      ++num_layers;
      ++tiles.num_done;
    }
    if (!tiles.done()) return;
    num_tiles += static_cast<int>(tiles.hidden.size(0));
    tiles.features = at::ones({tiles.hidden.size(0), 1, config_.language.hidden_size});
  }
  at::Tensor encode_tiles(const at::Tensor& pixels, VisionTrace*) override {
    TileEncoding tiles = begin_tiles(pixels);
    advance_tiles(tiles, kVisionLayers, nullptr);
    return tiles.features;
  }
  at::Tensor arrange_image(const at::Tensor& tile_features, int, int) override {
    return at::ones({tile_features.size(0) + 4, config_.language.hidden_size});
  }
  std::vector<std::optional<SampledToken>> run(const std::vector<SequenceChunk>& chunks, ForwardTrace*) override {
    if (on_run) on_run(chunks);
    FakeCall call;
    std::vector<std::optional<SampledToken>> result;
    for (const SequenceChunk& chunk : chunks) {
      call.num_tokens.push_back(static_cast<int>(chunk.token_ids.size()));
      result.push_back(chunk.sampler ? std::optional<SampledToken>(answer_token(chunk)) : std::nullopt);
    }
    std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    return result;
  }

  std::vector<FakeCall> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }

  std::function<void(const std::vector<SequenceChunk>&)> on_run;  // set before the engine starts
  std::function<void()> on_encode;                                // for each layer
  std::atomic<int> num_layers{0};                                 // of tiles, together
  std::atomic<int> num_tiles{0};

 private:
  /// Samplers tell sequences apart, but their addresses are used again; a chunk of several tokens is the end of a prompt.
  SampledToken answer_token(const SequenceChunk& chunk) {
    std::lock_guard lock(mutex_);
    int& next = progress_[chunk.sampler];
    if (chunk.token_ids.size() > 1) next = 0;
    const size_t place = static_cast<size_t>(next++);
    SampledToken token;
    token.id = place < answer_.size() ? static_cast<unsigned char>(answer_[place]) : FakeTokenizer::kEos;
    token.logprob = -0.5F;
    return token;
  }

  ModelConfig config_;
  std::string answer_;
  int num_blocks_;
  int block_size_;
  mutable std::mutex mutex_;
  std::vector<FakeCall> calls_;
  std::unordered_map<const SequenceSampler*, int> progress_;
};

}  // namespace spyhop
