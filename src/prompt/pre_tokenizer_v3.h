// The pre-tokenizer of the DeepSeek-V3 family.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "prompt/char_class_table.h"
#include "prompt/pre_tokenizer.h"

namespace spyhop {

/// Numbers in threes; then runs of Chinese and Japanese characters; then words, punctuation and white space within each of
/// those runs and in what lies between, each of which ends the text for what looks ahead.
class PreTokenizerV3 final : public PreTokenizer {
 public:
  PreTokenizerV3();

  std::vector<uint32_t> piece_ends(std::string_view text) const override;

  static std::vector<std::string> patterns();

 private:
  const char* number_end(const char* p, const char* end) const;
  const char* word_end(const char* p, const char* end) const;
  const char* space_end(const char* p, const char* end) const;

  CharClassTable classes_;
};

}  // namespace spyhop
