// Byte-level BPE.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/added_tokens.h"
#include "prompt/byte_pair_merger.h"
#include "prompt/ordered_bpe.h"
#include "prompt/pre_tokenizer.h"
#include "prompt/token_store.h"
#include "prompt/token_table.h"
#include "prompt/tokenizer.h"
#include "prompt/tokenizer_json.h"

namespace spyhop {

/// The tokenizer of a tokenizer.json.
/// Source: Hugging Face tokenizers, models/bpe, pre_tokenizers/byte_level and AddedVocabulary.
class BpeTokenizer final : public Tokenizer {
 public:
  /// `json.style` must be a PreTokenizerKind. Throws Error{kModelLoad} naming `file`: a byte of UTF-8 that has no token.
  BpeTokenizer(const TokenizerJson& json, const SpecialIds& special, const std::string& file);

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override;
  std::string_view token_bytes(int32_t id) const override { return tokens_.bytes(id); }
  bool is_special(int32_t id) const override { return tokens_.is_special(id); }
  std::optional<int32_t> id_of(std::string_view token) const override;
  int32_t size() const override { return tokens_.size(); }
  const SpecialIds& special_ids() const override { return special_ids_; }

  const PreTokenizer& pre_tokenizer() const { return *pre_tokenizer_; }

 private:
  class Encoder;

  void find_byte_tokens(const TokenTable& vocab, const std::string& file);
  void find_whole_pieces(const TokenizerJson& json);

  TokenStore tokens_;
  TokenTable ids_;  // by notation
  MergeTable merges_;
  std::array<int32_t, 256> byte_ids_{};
  TokenTable whole_pieces_;  // bytes -> id, where merging the bytes yields just that token
  size_t longest_piece_ = 0;
  std::unique_ptr<const OrderedBpe> ordered_;  // null where the merges are not ordered
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  AddedTokenRounds rounds_;
  SpecialIds special_ids_;
};

}  // namespace spyhop
