#include "prompt/llama_tokenizer.h"

#include <cstdio>

#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::string_view kSpaceSymbol = "\u2581";

std::string name_of_byte(int byte) {
  char name[8];
  std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
  return name;
}

std::string with_spaces(std::string_view token) {
  std::string text(token);
  for (size_t at = text.find(kSpaceSymbol); at != std::string::npos; at = text.find(kSpaceSymbol, at + 1)) {
    text.replace(at, kSpaceSymbol.size(), " ");
  }
  return text;
}

}  // namespace

LlamaTokenizer::LlamaTokenizer(const TokenizerJson& json, const SpecialIds& special, const std::string& file)
    : style_(std::get<LlamaStyle>(json.style)),
      ids_(token_index(json.vocab, json.added_tokens)),
      vocab_(token_index(json.vocab, {})),
      merges_(json.merges),
      rounds_(json.added_tokens),
      special_ids_(special) {
  for (const VocabEntry& entry : json.vocab) tokens_.set(entry.id, with_spaces(entry.token), /*is_special=*/false);
  for (const AddedToken& token : json.added_tokens) {
    if (token.normalized) {
      throw Error(ErrorCode::kModelLoad, file + ": added_tokens: id " + std::to_string(token.id) +
                                             " is normalized; allowed: false, for a tokenizer with byte_fallback");
    }
    tokens_.set(token.id, with_spaces(token.content), token.special);
  }
  is_byte_.resize(static_cast<size_t>(size()));
  for (int byte = 0; byte < 256; ++byte) {
    const int32_t id = vocab_.find(name_of_byte(byte));
    if (id == TokenTable::kAbsent) {
      throw Error(ErrorCode::kModelLoad, file + ": model.vocab has no token " + name_of_byte(byte) +
                                             "; allowed: with byte_fallback, a token for every byte");
    }
    byte_ids_[static_cast<size_t>(byte)] = id;
    is_byte_[static_cast<size_t>(id)] = true;
    tokens_.set(id, std::string(1, static_cast<char>(byte)), /*is_special=*/false);
  }
}

/// A token per character, or per byte of a character that has none.
std::vector<int32_t> LlamaTokenizer::initial_ids(std::string_view part, bool is_at_start) const {
  std::vector<int32_t> ids;
  ids.reserve(part.size() + 1);
  const int32_t space = vocab_.find(kSpaceSymbol);
  const auto add = [&](std::string_view character) {
    const int32_t id = character == " " ? space : vocab_.find(character);
    if (id != TokenTable::kAbsent) return ids.push_back(id);
    for (const char byte : character == " " ? kSpaceSymbol : character) ids.push_back(byte_ids_[static_cast<uint8_t>(byte)]);
  };
  const bool has_space = part[0] == ' ' || part.substr(0, kSpaceSymbol.size()) == kSpaceSymbol;
  if (style_ == LlamaStyle::kLegacy || (is_at_start && !has_space)) add(" ");
  while (!part.empty()) {
    const auto length = static_cast<size_t>(utf8_length(static_cast<uint8_t>(part[0])));
    add(part.substr(0, length));
    part.remove_prefix(length);
  }
  return ids;
}

std::vector<int32_t> LlamaTokenizer::encode(std::string_view text, SpecialTokens special) const {
  const std::string valid = replace_invalid_utf8(text);
  BytePairMerger merger(merges_);
  std::vector<int32_t> ids;
  const auto add_text = [&](std::string_view part) {
    std::vector<int32_t> part_ids = initial_ids(part, part.data() == valid.data());
    const int32_t* const end = merger.merge(part_ids.data(), part_ids.data() + part_ids.size());
    ids.insert(ids.end(), static_cast<const int32_t*>(part_ids.data()), end);
  };
  const std::vector<AddedTokenMatcher>& rounds = rounds_.of(special);
  if (rounds.empty()) {
    if (!valid.empty()) add_text(valid);
    return ids;
  }
  split_at_added_tokens(valid, rounds.front(), add_text, [&](int32_t id) { ids.push_back(id); });
  return ids;
}

std::optional<int32_t> LlamaTokenizer::id_of(std::string_view token) const {
  const int32_t id = ids_.find(token);
  return id == TokenTable::kAbsent ? std::nullopt : std::optional<int32_t>(id);
}

std::string LlamaTokenizer::decode(const std::vector<int32_t>& ids, bool skip_special) const {
  std::string text;
  std::string bytes;  // of the byte tokens that stand together
  const auto add_bytes = [&] {
    if (is_valid_utf8(bytes)) {
      text += bytes;
    } else {
      for (size_t i = 0; i < bytes.size(); ++i) text += kReplacementCharacter;
    }
    bytes.clear();
  };
  for (const int32_t id : ids) {
    if (id < 0 || id >= size() || (skip_special && is_special(id))) continue;
    if (is_byte(id)) {
      bytes += tokens_.bytes(id);
      continue;
    }
    add_bytes();
    text += tokens_.bytes(id);
  }
  add_bytes();
  return !text.empty() && text[0] == ' ' ? text.substr(1) : text;
}

}  // namespace spyhop
