#include "prompt/pre_tokenizer.h"

#include "prompt/pre_tokenizer_v2.h"
#include "prompt/pre_tokenizer_v3.h"

namespace spyhop {

std::unique_ptr<PreTokenizer> make_pre_tokenizer(PreTokenizerKind kind) {
  if (kind == PreTokenizerKind::kV2) return std::make_unique<PreTokenizerV2>();
  return std::make_unique<PreTokenizerV3>();
}

std::vector<std::string> split_patterns(PreTokenizerKind kind) {
  return kind == PreTokenizerKind::kV2 ? PreTokenizerV2::patterns() : PreTokenizerV3::patterns();
}

}  // namespace spyhop
