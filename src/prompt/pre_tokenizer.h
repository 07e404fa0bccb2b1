// Cuts a text into the pieces within which byte pairs are merged.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// The pre-tokenizer sequences that DeepSeek's tokenizers use.
enum class PreTokenizerKind {
  kV2,  // DeepSeek-LLM, DeepSeek-V2 and DeepSeek-VL2-small
  kV3,  // DeepSeek-V3, DeepSeek-VL2-tiny and DeepSeek-VL2
};

/// Thread safety: immutable after construction.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  /// Ends of the pieces of `text`, as rising byte offsets; the last one is the text's size. No piece is empty.
  /// `text` must be valid UTF-8 of less than 4 GiB. Time is linear in its length.
  virtual std::vector<uint32_t> piece_ends(std::string_view text) const = 0;
};

std::unique_ptr<PreTokenizer> make_pre_tokenizer(PreTokenizerKind kind);

/// The regular expressions of the Split steps of a sequence, in order, as tokenizer.json spells them.
std::vector<std::string> split_patterns(PreTokenizerKind kind);

}  // namespace spyhop
