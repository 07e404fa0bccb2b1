// tokenizer.json of the Hugging Face tokenizers: the byte-level BPE of the DeepSeek families, and Llama's BPE.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/added_tokens.h"
#include "prompt/byte_pair_merger.h"
#include "prompt/token_table.h"
#include "prompt/tokenizer.h"
#include "prompt/tokenizer_style.h"

namespace spyhop {

struct VocabEntry {
  std::string token;  // in the file's notation
  int32_t id;
};

/// A tokenizer.json whose every field was checked.
struct TokenizerJson {
  TokenizerStyle style = PreTokenizerKind::kV3;
  std::vector<VocabEntry> vocab;  // ids distinct, below MergeTable::kMaxIds
  std::vector<Merge> merges;      // pairs distinct
  std::vector<AddedToken> added_tokens;
};

/// `text` is the content of `file`, which errors name. Throws Error{kModelLoad} naming field, value and what is allowed: wrong
/// types, ids or tokens named twice, merges of unknown tokens, another model, normalizer, pre-tokenizer or decoder.
TokenizerJson parse_tokenizer_json(const std::string& text, const std::string& file);

/// Ids of tokens by the file's notation.
TokenTable token_index(const std::vector<VocabEntry>& vocab, const std::vector<AddedToken>& added_tokens);

/// Throws Error{kModelLoad} naming `file` when a merge yields one of the tokens that prompts are built with: plain text could
/// then open a turn.
void check_merges_yield_no_special(const TokenizerJson& json, const SpecialIds& ids, const std::string& file);

/// Adds `tokens`, in this order, as special tokens that are matched in the first round. One that exists keeps its id; a new one
/// follows the highest id. Throws Error{kModelLoad} naming `file` where that id is taken.
/// Source: Hugging Face tokenizers, AddedVocabulary::add_tokens.
TokenizerJson add_special_tokens(TokenizerJson json, const std::vector<std::string_view>& tokens, const std::string& file);

}  // namespace spyhop
