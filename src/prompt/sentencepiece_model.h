// SentencePiece models, through the plug-in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/sentencepiece_abi.h"

namespace spyhop {

/// A tokenizer.model as libsentencepiece itself reads it: no added tokens, no templates.
/// Thread safety: immutable after construction.
class SentencePieceModel {
 public:
  /// `bytes` are those of `file`, which errors name. Throws Error{kModelLoad}: damaged, or the plug-in cannot be loaded.
  SentencePieceModel(const std::string& bytes, const std::string& file);

  /// Throws Error{kInternal} with the library's reason.
  std::vector<int32_t> encode(std::string_view text) const;

  /// Ids that have no piece are left out.
  std::string decode(const std::vector<int32_t>& ids) const;

  int32_t size() const { return api_->num_pieces(model_.get()); }

  /// `id` must be from 0 to size() - 1.
  std::string_view piece(int32_t id) const;
  SpyhopPieceKind kind(int32_t id) const { return api_->piece_kind(model_.get(), id); }

  // -1 where the model has none.
  int32_t bos_id() const { return api_->bos_id(model_.get()); }
  int32_t eos_id() const { return api_->eos_id(model_.get()); }
  int32_t pad_id() const { return api_->pad_id(model_.get()); }

 private:
  using Release = void (*)(SpyhopSentencePieceModel*);

  const SpyhopSentencePieceApi* api_;
  std::unique_ptr<SpyhopSentencePieceModel, Release> model_;
};

/// The bytes of a model in which the user-defined pieces that `is_hidden` names have become control pieces, which no text
/// is ever encoded to. Throws Error{kModelLoad} naming `file` for bytes that are no model.
std::string hide_user_defined_pieces(std::string bytes, const std::function<bool(std::string_view piece)>& is_hidden,
                                     const std::string& file);

}  // namespace spyhop
