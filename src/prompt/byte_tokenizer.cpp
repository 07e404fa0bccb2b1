#include "prompt/byte_tokenizer.h"

#include "prompt/bpe_tokenizer.h"
#include "prompt/byte_alphabet.h"
#include "prompt/special_tokens.h"
#include "prompt/tokenizer_json.h"

namespace spyhop {
namespace {

/// The byte tokens and the special ones, and stand-ins for the rest of a model's vocabulary.
class ByteTokenizer final : public Tokenizer {
 public:
  ByteTokenizer(const TokenizerJson& json, const SpecialIds& special, const std::string& name) : tokens_(json, special, name) {}

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override {
    return tokens_.encode(text, special);
  }
  std::string_view token_bytes(int32_t id) const override {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
    return id < size() ? tokens_.token_bytes(id) : kLetters.substr(static_cast<size_t>(id) % kLetters.size(), 1);
  }
  bool is_special(int32_t id) const override { return tokens_.is_special(id); }
  std::optional<int32_t> id_of(std::string_view token) const override { return tokens_.id_of(token); }
  int32_t size() const override { return tokens_.size(); }
  const SpecialIds& special_ids() const override { return tokens_.special_ids(); }

 private:
  BpeTokenizer tokens_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_tokenizer() {
  const std::string name = "the byte tokenizer";
  TokenizerJson json;
  for (int byte = 0; byte < 256; ++byte) json.vocab.push_back({byte_to_character(static_cast<unsigned char>(byte)), byte});
  json = add_special_tokens(std::move(json), {kBosToken, kEosToken}, name);
  json = add_special_tokens(std::move(json), vl2_tokens({}), name);
  const SpecialIds special = find_special_ids(token_index(json.vocab, json.added_tokens), {}, name);
  return std::make_unique<ByteTokenizer>(json, special, name);
}

}  // namespace spyhop
