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
#include "prompt/pre_tokenizer.h"
#include "prompt/special_tokens.h"
#include "prompt/token_table.h"
#include "prompt/tokenizer.h"
#include "prompt/tokenizer_json.h"

namespace spyhop {

/// The tokenizer of a tokenizer.json.
/// Source: Hugging Face tokenizers, models/bpe, pre_tokenizers/byte_level and AddedVocabulary.
class BpeTokenizer final : public Tokenizer {
 public:
  /// Throws Error{kModelLoad} naming `file`: a special token that is missing, a byte of UTF-8 that has no token, or a merge
  /// that yields a token the prompt is built with, by which plain text could open a turn.
  BpeTokenizer(const TokenizerJson& json, const SpecialTokenNames& names, const std::string& file);

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override;
  std::string_view token_bytes(int32_t id) const override;
  bool is_special(int32_t id) const override;
  std::optional<int32_t> id_of(std::string_view token) const override;
  int32_t size() const override { return static_cast<int32_t>(tokens_.size()); }
  const SpecialIds& special_ids() const override { return special_ids_; }

  const PreTokenizer& pre_tokenizer() const { return *pre_tokenizer_; }

 private:
  struct Token {
    uint32_t offset = 0;  // in token_bytes_
    uint32_t size = 0;
    bool is_special = false;
  };
  class Encoder;

  void set_token(int32_t id, std::string_view notation, bool is_special);
  void check_merges(const TokenizerJson& json, const std::string& file) const;
  void find_byte_tokens(const std::string& file);
  void find_whole_pieces(const TokenizerJson& json);
  const std::vector<AddedTokenMatcher>& rounds_of(SpecialTokens special) const;

  std::vector<Token> tokens_;
  std::string token_bytes_;
  TokenTable ids_;  // by notation
  MergeTable merges_;
  std::array<int32_t, 256> byte_ids_{};
  TokenTable whole_pieces_;  // bytes -> id, where merging the bytes yields just that token
  size_t longest_piece_ = 0;
  SpecialIds special_ids_;
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  std::vector<AddedTokenMatcher> all_rounds_;
  std::vector<AddedTokenMatcher> grounding_rounds_;
  std::vector<AddedTokenMatcher> no_rounds_;
};

}  // namespace spyhop
