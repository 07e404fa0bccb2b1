#include "prompt/byte_tokenizer.h"

#include "prompt/bpe_tokenizer.h"
#include "prompt/byte_alphabet.h"
#include "prompt/special_tokens.h"
#include "prompt/tokenizer_json.h"

namespace spyhop {

std::unique_ptr<Tokenizer> make_byte_tokenizer() {
  const std::string name = "the byte tokenizer";
  TokenizerJson json;
  for (int byte = 0; byte < 256; ++byte) json.vocab.push_back({byte_to_character(static_cast<unsigned char>(byte)), byte});
  json = add_special_tokens(std::move(json), {kBosToken, kEosToken}, name);
  json = add_special_tokens(std::move(json), vl2_tokens({}), name);
  const SpecialIds special = find_special_ids(token_index(json.vocab, json.added_tokens), {}, name);
  return std::make_unique<BpeTokenizer>(json, special, name);
}

}  // namespace spyhop
