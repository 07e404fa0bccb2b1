// Which of the known kinds of tokenizer a tokenizer.json describes.
#pragma once

#include <variant>

#include "prompt/json_view.h"
#include "prompt/pre_tokenizer.h"

namespace spyhop {

/// How a tokenizer.json that was converted from a SentencePiece model begins a text with a space.
enum class LlamaStyle {
  kLegacy,     // every part between added tokens gets one
  kNonLegacy,  // only a part at the very start that has none yet
};

/// A byte-level tokenizer by its pre-tokenizer, or one of Llama's.
using TokenizerStyle = std::variant<PreTokenizerKind, LlamaStyle>;

/// Recognises the normalizer, pre-tokenizer, decoder and model options of a document; all of them must be known.
/// Throws Error{kModelLoad} naming the field, its value and what is allowed.
TokenizerStyle parse_tokenizer_style(const JsonView& document);

}  // namespace spyhop
