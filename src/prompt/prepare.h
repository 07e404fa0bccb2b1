// Chat request -> token ids and image tiles.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "prompt/image.h"
#include "prompt/tokenizer.h"
#include "spyhop/chat.h"

namespace spyhop {

/// An image of a prompt, ready for the vision tower.
struct PreparedImage {
  TileGrid grid;
  int first_token = 0;  // index in token_ids of its first "<image>" id
  int num_tokens = 0;
  std::vector<uint8_t> tiles;  // [1 + cols * rows, S, S, 3], global view first
  std::string hash;            // of tiles and grid: images with equal hashes have equal features
};

/// An image of a request with what is known of it before it is decoded.
struct SizedImage {
  std::string param;  // the request's field, for errors
  std::string bytes;
  ImageDetail detail = ImageDetail::kAuto;
  TileGrid grid;
  int num_tokens = 0;
  int width = 0;  // pixels
  int height = 0;
  bool is_lowered = false;  // has fewer tiles than its detail stands for
};

/// A prompt whose images have been measured, not decoded.
struct PromptLayout {
  std::vector<int32_t> token_ids;
  std::vector<int> first_image_token;  // per image: index in token_ids
  std::vector<SizedImage> images;

  int num_image_tokens() const;
  /// What the images take, in the order of the request.
  std::vector<ImageUse> image_use() const;
};

struct PreparedPrompt {
  std::vector<int32_t> token_ids;
  std::vector<PreparedImage> images;
  int num_image_tokens = 0;
  std::vector<ImageUse> image_use{};
};

struct PrepareContext {
  std::shared_ptr<const Tokenizer> tokenizer;
  ProcessorConfig processor;
  ImageLimits images;
  FetchPolicy fetch;
  int max_context = 4096;
  int vocab_size = 0;  // token ids of requests are below
  SpecialTokens special = SpecialTokens::kGrounding;
};

/// Throws Error{kInvalidRequest} blaming `param` for an id outside the vocabulary.
void check_token_id(int32_t id, int vocab_size, const std::string& param);

/// The first half of prepare_prompt(). The context matters only to auto_detail, which leaves max_tokens of it free, or
/// kAutoDetailRoom where there is no such limit. Throws the same errors but for kContextLengthExceeded.
constexpr int kAutoDetailRoom = 256;
PromptLayout lay_out_prompt(const ChatRequest& request, const PrepareContext& context);

/// The reference's layout for a conversation that the model is to continue. Images are sized, counted and checked against the
/// context before any pixel is computed. Throws Error: kInvalidRequest, kTooLarge, kForbidden, kContextLengthExceeded
/// (the message says how many tokens the text and each image take). A plain prompt stands as it is.
PreparedPrompt prepare_prompt(const ChatRequest& request, const PrepareContext& context);

}  // namespace spyhop
