// The pre-tokenizer of the DeepSeek-LLM and DeepSeek-V2 family.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "prompt/char_class_table.h"
#include "prompt/pre_tokenizer.h"

namespace spyhop {

/// Line breaks, words of an explicit list of cased letters, punctuation, trailing white space, runs of CJK characters, digits:
/// six steps, each of which cuts every piece of the step before it and sees nothing beyond that piece.
class PreTokenizerV2 final : public PreTokenizer {
 public:
  PreTokenizerV2();

  std::vector<uint32_t> piece_ends(std::string_view text) const override;

  static std::vector<std::string> patterns();

 private:
  CharClassTable classes_;
};

}  // namespace spyhop
