// The tokenizer of a tokenizer.model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/added_tokens.h"
#include "prompt/sentencepiece_model.h"
#include "prompt/special_tokens.h"
#include "prompt/token_store.h"
#include "prompt/token_table.h"
#include "prompt/tokenizer.h"

namespace spyhop {

/// A SentencePiece model with the VL2 tokens, which follow its pieces where it lacks them. Texts are cut at the special tokens
/// and each part is encoded on its own, so that each begins with the model's dummy space.
/// Source: Hugging Face transformers, LlamaTokenizer with legacy=True.
class SentencePieceTokenizer final : public Tokenizer {
 public:
  /// `bytes` are those of `file`, which errors name. Throws Error{kModelLoad}.
  SentencePieceTokenizer(const std::string& bytes, const SpecialTokenNames& names, const std::string& file);

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override;
  std::string_view token_bytes(int32_t id) const override { return tokens_.bytes(id); }
  bool is_special(int32_t id) const override { return tokens_.is_special(id); }
  std::optional<int32_t> id_of(std::string_view token) const override;
  int32_t size() const override { return tokens_.size(); }
  const SpecialIds& special_ids() const override { return special_ids_; }
  bool drops_leading_space() const override { return true; }
  std::string decode(const std::vector<int32_t>& ids, bool skip_special) const override;

 private:
  /// How texts are encoded under one policy: what is cut out of them, and the model that sees the rest.
  struct Policy {
    AddedTokenMatcher matcher;
    std::shared_ptr<const SentencePieceModel> model;
  };

  std::vector<AddedToken> add_special_tokens(const SpecialTokenNames& names);
  void check_special_pieces(const std::string& file) const;
  const Policy& policy_of(SpecialTokens special) const;

  TokenStore tokens_;
  std::vector<bool> is_added_;  // by id: decoded here, not by the model
  TokenTable ids_;
  SpecialIds special_ids_;
  std::vector<Policy> policies_;  // by SpecialTokens
};

}  // namespace spyhop
