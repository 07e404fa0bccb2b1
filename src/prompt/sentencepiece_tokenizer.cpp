#include "prompt/sentencepiece_tokenizer.h"

#include <algorithm>
#include <iterator>

#include "common/problem_list.h"
#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::string_view kSpaceSymbol = "\u2581";
constexpr std::string_view kUnknownText = " \u2047 ";
constexpr size_t kNumExtraTokens = 16;  // room for special tokens after the pieces

/// "<0x41>" -> "A".
std::string byte_of_piece(std::string_view piece) {
  return {static_cast<char>(std::stoi(std::string(piece.substr(3, 2)), nullptr, 16))};
}

std::string bytes_of_piece(std::string_view piece, SpyhopPieceKind kind) {
  if (kind == kSpyhopControlPiece) return {};
  if (kind == kSpyhopUnknownPiece) return std::string(kUnknownText);
  if (kind == kSpyhopBytePiece) return byte_of_piece(piece);
  std::string bytes(piece);
  for (size_t at = bytes.find(kSpaceSymbol); at != std::string::npos; at = bytes.find(kSpaceSymbol, at + 1)) {
    bytes.replace(at, kSpaceSymbol.size(), " ");
  }
  return bytes;
}

/// User-defined pieces also hold runs of spaces and line breaks, which stay as they are in any text.
bool looks_special(std::string_view piece) {
  return piece.size() > 2 && piece.front() == '<' && piece.back() == '>';
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(const std::string& bytes, const SpecialTokenNames& names,
                                               const std::string& file) {
  const auto model = std::make_shared<const SentencePieceModel>(bytes, file);
  size_t num_bytes = 0;
  for (int32_t id = 0; id < model->size(); ++id) num_bytes += model->piece(id).size();
  ids_ = TokenTable(static_cast<size_t>(model->size()) + kNumExtraTokens, num_bytes);
  for (int32_t id = 0; id < model->size(); ++id) {
    const SpyhopPieceKind kind = model->kind(id);
    tokens_.set(id, bytes_of_piece(model->piece(id), kind), kind == kSpyhopControlPiece || kind == kSpyhopUnknownPiece);
    ids_.add(model->piece(id), id);
  }
  SpecialTokenNames all_names = names;
  if (!names.bos && model->bos_id() >= 0) all_names.bos = model->piece(model->bos_id());
  if (!names.eos && model->eos_id() >= 0) all_names.eos = model->piece(model->eos_id());
  if (!names.pad && model->pad_id() >= 0) all_names.pad = model->piece(model->pad_id());
  const std::vector<AddedToken> added = add_special_tokens(all_names);
  special_ids_ = find_special_ids(ids_, all_names, file);

  std::vector<AddedToken> grounding;
  std::copy_if(added.begin(), added.end(), std::back_inserter(grounding),
               [](const AddedToken& token) { return is_grounding_token(token.content); });
  const auto is_hidden = [&added](std::string_view piece) {
    const auto is_piece = [piece](const AddedToken& token) { return token.content == piece; };
    return looks_special(piece) || std::any_of(added.begin(), added.end(), is_piece);
  };
  const auto without = [&](const auto& hidden_pieces) {
    const std::string hidden = hide_user_defined_pieces(bytes, hidden_pieces, file);
    return hidden == bytes ? model : std::make_shared<const SentencePieceModel>(hidden, file);
  };
  policies_.push_back({AddedTokenMatcher(added), model});
  policies_.push_back({AddedTokenMatcher(grounding),
                       without([&](std::string_view piece) { return is_hidden(piece) && !is_grounding_token(piece); })});
  policies_.push_back({AddedTokenMatcher({}), without(is_hidden)});
  check_special_pieces(file);
}

/// Plain text must not become a token that the prompt is built with.
void SentencePieceTokenizer::check_special_pieces(const std::string& file) const {
  const SentencePieceModel& model = *policy_of(SpecialTokens::kGrounding).model;
  const SpecialIds& ids = special_ids_;
  for (const int32_t id : {ids.bos, ids.eos, ids.image, ids.user, ids.assistant}) {
    if (id >= model.size() || model.kind(id) == kSpyhopControlPiece) continue;
    throw Error(ErrorCode::kModelLoad, file + ": the special token " + in_quotes(model.piece(id)) +
                                           " is an ordinary piece; allowed: a control or user-defined piece, or none");
  }
}

/// The tokens that trusted text is cut at; those that are no pieces get ids after them.
std::vector<AddedToken> SentencePieceTokenizer::add_special_tokens(const SpecialTokenNames& names) {
  std::vector<AddedToken> added;
  std::vector<std::string_view> wanted = vl2_tokens(names);
  for (const auto* name : {&names.bos, &names.eos, &names.pad}) {
    if (*name && ids_.find(**name) != TokenTable::kAbsent) wanted.push_back(**name);
  }
  for (const std::string_view content : wanted) {
    int32_t id = ids_.find(content);
    if (id == TokenTable::kAbsent) {
      id = size();
      ids_.add(content, id);
    }
    tokens_.set(id, content, /*is_special=*/true);
    is_added_.resize(static_cast<size_t>(size()));
    is_added_[static_cast<size_t>(id)] = true;
    added.push_back({id, std::string(content), false, true});
  }
  return added;
}

const SentencePieceTokenizer::Policy& SentencePieceTokenizer::policy_of(SpecialTokens special) const {
  return policies_[special == SpecialTokens::kAll ? 0 : special == SpecialTokens::kGrounding ? 1 : 2];
}

std::vector<int32_t> SentencePieceTokenizer::encode(std::string_view text, SpecialTokens special) const {
  const std::string valid = replace_invalid_utf8(text);
  const Policy& policy = policy_of(special);
  std::vector<int32_t> ids;
  const auto add_text = [&](std::string_view part) {
    const std::vector<int32_t> part_ids = policy.model->encode(part);
    ids.insert(ids.end(), part_ids.begin(), part_ids.end());
  };
  split_at_added_tokens(valid, policy.matcher, add_text, [&](int32_t id) { ids.push_back(id); });
  return ids;
}

std::optional<int32_t> SentencePieceTokenizer::id_of(std::string_view token) const {
  const int32_t id = ids_.find(token);
  return id == TokenTable::kAbsent ? std::nullopt : std::optional<int32_t>(id);
}

/// Special tokens stand between parts that the model decodes, each of which loses its leading space.
std::string SentencePieceTokenizer::decode(const std::vector<int32_t>& ids, bool skip_special) const {
  const SentencePieceModel& model = *policies_.front().model;
  std::string text;
  std::vector<int32_t> part;
  for (const int32_t id : ids) {
    if (id < 0 || id >= size() || (skip_special && is_special(id))) continue;
    if (!is_added_[static_cast<size_t>(id)]) {
      part.push_back(id);
      continue;
    }
    text += model.decode(part);
    text += token_bytes(id);
    part.clear();
  }
  return text + model.decode(part);
}

}  // namespace spyhop
