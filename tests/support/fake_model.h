// A tokenizer and a runner without files or weights: one token per byte, and answers that a test dictates.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
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

/// Answers every prompt with `answer`, then eos for ever. Its KV cache holds the tokens themselves and it reads them back from
/// there, so that blocks which are shared, copied or given up wrongly show in the answers. Tile features are all ones.
class FakeRunner : public Runner {
 public:
  static constexpr int kVisionLayers = 4;

  FakeRunner(std::string answer, int num_blocks, int block_size)
      : answer_(std::move(answer)),
        num_blocks_(num_blocks),
        block_size_(block_size),
        cache_(static_cast<size_t>(num_blocks) * static_cast<size_t>(block_size)) {
    config_.language.vocab_size = 300;
    config_.language.hidden_size = 4;
    config_.processor.image_size = 28;
    config_.processor.candidate_resolutions = {{28, 28}, {56, 28}, {28, 56}};
  }

  const ModelConfig& config() const override { return config_; }
  int num_kv_blocks() const override { return num_blocks_; }
  int kv_block_size() const override { return block_size_; }

  void copy_kv_block(int32_t from, int32_t to) override {
    for (int i = 0; i < block_size_; ++i) slot(to, i) = slot(from, i);
  }

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
    for (const SequenceChunk& chunk : chunks) write(chunk);
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
  int32_t& slot(int32_t block, int place) { return cache_.at(static_cast<size_t>(block * block_size_ + place)); }
  int32_t& slot_of(const SequenceChunk& chunk, int position) {
    return slot(chunk.block_table.at(static_cast<size_t>(position / block_size_)), position % block_size_);
  }

  void write(const SequenceChunk& chunk) {
    int position = chunk.first_position;
    for (const int32_t id : chunk.token_ids) slot_of(chunk, position++) = id;
  }

  /// A prompt ends with the assistant's token and a colon.
  SampledToken answer_token(const SequenceChunk& chunk) {
    const int end = chunk.first_position + static_cast<int>(chunk.token_ids.size());
    int begin = end;
    while (begin > 0 && slot_of(chunk, begin - 1) != FakeTokenizer::kAssistant) --begin;
    const size_t place = static_cast<size_t>(end - begin - 1);
    for (size_t i = 0; i < std::min(place, answer_.size()); ++i) {
      const int32_t said = slot_of(chunk, begin + 1 + static_cast<int>(i));
      if (said != static_cast<unsigned char>(answer_[i])) throw std::logic_error("the cache holds another answer");
    }
    SampledToken token;
    token.id = place < answer_.size() ? static_cast<unsigned char>(answer_[place]) : FakeTokenizer::kEos;
    token.logprob = -0.5F;
    return token;
  }

  ModelConfig config_;
  std::string answer_;
  int num_blocks_;
  int block_size_;
  std::vector<int32_t> cache_;  // token ids by slot
  mutable std::mutex mutex_;
  std::vector<FakeCall> calls_;
};

}  // namespace spyhop
