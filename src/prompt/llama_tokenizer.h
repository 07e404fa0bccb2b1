// Llama's BPE over characters, with bytes for those that have no token.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/added_tokens.h"
#include "prompt/byte_pair_merger.h"
#include "prompt/token_store.h"
#include "prompt/token_table.h"
#include "prompt/tokenizer.h"
#include "prompt/tokenizer_json.h"

namespace spyhop {

/// The tokenizer of a tokenizer.json that was converted from a SentencePiece BPE model.
/// Source: Hugging Face tokenizers, models/bpe with byte_fallback, normalizers/prepend, pre_tokenizers/metaspace and
/// decoders/byte_fallback.
class LlamaTokenizer final : public Tokenizer {
 public:
  /// `json.style` must be a LlamaStyle. Throws Error{kModelLoad} naming `file`: a byte that has no token, an added token that
  /// is matched after normalization.
  LlamaTokenizer(const TokenizerJson& json, const SpecialIds& special, const std::string& file);

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override;
  std::string_view token_bytes(int32_t id) const override { return tokens_.bytes(id); }
  bool is_special(int32_t id) const override { return tokens_.is_special(id); }
  std::optional<int32_t> id_of(std::string_view token) const override;
  int32_t size() const override { return tokens_.size(); }
  const SpecialIds& special_ids() const override { return special_ids_; }
  bool drops_leading_space() const override { return true; }
  /// A run of byte tokens that is not valid UTF-8 as a whole gives one U+FFFD per byte.
  std::string decode(const std::vector<int32_t>& ids, bool skip_special) const override;

 private:
  std::vector<int32_t> initial_ids(std::string_view part, bool is_at_start) const;
  bool is_byte(int32_t id) const { return id >= 0 && id < size() && is_byte_[static_cast<size_t>(id)]; }

  LlamaStyle style_;
  TokenTable ids_;
  TokenTable vocab_;  // without added tokens
  MergeTable merges_;
  AddedTokenRounds rounds_;
  TokenStore tokens_;
  std::array<int32_t, 256> byte_ids_{};
  std::vector<bool> is_byte_;
  SpecialIds special_ids_;
};

}  // namespace spyhop
