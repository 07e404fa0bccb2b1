#include "prompt/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/json_fields.h"
#include "prompt/json_view.h"
#include "prompt/token_table.h"
#include "prompt/tokenizer_style.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr int64_t kMaxId = MergeTable::kMaxIds - 1;

std::vector<VocabEntry> parse_vocab(const JsonView& view) {
  if (!view.is_object()) view.reject("an object of token: id");
  if (view.json().size() > static_cast<size_t>(kMaxId)) view.fail("has more than " + std::to_string(kMaxId) + " tokens");
  std::vector<VocabEntry> vocab;
  std::vector<bool> taken;
  vocab.reserve(view.json().size());
  for (const auto& [token, value] : view.json().items()) {
    const auto id = static_cast<int32_t>(value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(kMaxId)
                                             ? value.get<int64_t>()
                                             : view[token].integer(0, kMaxId));
    if (static_cast<size_t>(id) >= taken.size()) taken.resize(static_cast<size_t>(id) + 1);
    if (taken[static_cast<size_t>(id)]) view[token].reject("an id that no other token has");
    taken[static_cast<size_t>(id)] = true;
    vocab.push_back({token, id});
  }
  return vocab;
}

/// Both halves of a merge: "a b", or ["a", "b"] in newer files.
std::array<std::string_view, 2> parse_pair(const JsonView& merges, size_t index) {
  const json& entry = merges.json()[index];
  if (entry.is_string()) {
    const std::string_view text = entry.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
    return {entry[0].get_ref<const std::string&>(), entry[1].get_ref<const std::string&>()};
  }
  merges[index].reject("two tokens, as \"a b\" or [\"a\", \"b\"]");
}

std::vector<Merge> parse_merges(const JsonView& view, const TokenTable& vocab) {
  if (view.array_size() > static_cast<size_t>(kMaxId)) view.fail("has more than " + std::to_string(kMaxId) + " entries");
  std::vector<Merge> merges;
  merges.reserve(view.array_size());
  std::string merged;
  for (size_t i = 0; i < view.array_size(); ++i) {
    const auto pair = parse_pair(view, i);
    const auto id_of = [&](std::string_view token) {
      const int32_t id = vocab.find(token);
      if (id == TokenTable::kAbsent) view[i].fail("needs the token " + in_quotes(token) + ", which model.vocab lacks");
      return id;
    };
    merged.assign(pair[0]).append(pair[1]);
    merges.push_back({id_of(pair[0]), id_of(pair[1]), id_of(merged)});
  }
  return merges;
}

AddedToken parse_added_token(const JsonView& view) {
  AddedToken token;
  token.id = static_cast<int32_t>(view["id"].integer(0, kMaxId));
  token.content = view["content"].string();
  if (token.content.empty() || token.content.size() > AddedTokenMatcher::kMaxTokenBytes) {
    view["content"].reject("1 to " + std::to_string(AddedTokenMatcher::kMaxTokenBytes) + " bytes");
  }
  view["lstrip"].expect_unless_null(false);
  view["rstrip"].expect_unless_null(false);
  view["single_word"].expect_unless_null(false);
  token.normalized = view["normalized"].boolean();
  token.special = view["special"].boolean();
  return token;
}

std::vector<AddedToken> parse_added_tokens(const JsonView& view, const std::vector<VocabEntry>& vocab,
                                           const TokenTable& known) {
  std::vector<AddedToken> tokens;
  if (view.is_null()) return tokens;
  std::vector<bool> taken(MergeTable::kMaxIds);
  for (const VocabEntry& entry : vocab) taken[static_cast<size_t>(entry.id)] = true;
  std::unordered_set<std::string> contents;
  for (size_t i = 0; i < view.array_size(); ++i) {
    AddedToken token = parse_added_token(view[i]);
    if (!contents.insert(token.content).second) view[i]["content"].reject("a token that is not added twice");
    const int32_t vocab_id = known.find(token.content);
    if (vocab_id != TokenTable::kAbsent && vocab_id != token.id) {
      view[i]["id"].reject("the id of that token in model.vocab, " + std::to_string(vocab_id));
    }
    if (vocab_id == TokenTable::kAbsent && taken[static_cast<size_t>(token.id)]) {
      view[i]["id"].reject("an id that no other token has");
    }
    taken[static_cast<size_t>(token.id)] = true;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace

TokenTable token_index(const std::vector<VocabEntry>& vocab, const std::vector<AddedToken>& added_tokens) {
  size_t num_bytes = 0;
  for (const VocabEntry& entry : vocab) num_bytes += entry.token.size();
  for (const AddedToken& token : added_tokens) num_bytes += token.content.size();
  TokenTable table(vocab.size() + added_tokens.size(), num_bytes);
  for (const VocabEntry& entry : vocab) table.add(entry.token, entry.id);
  for (const AddedToken& token : added_tokens) table.add(token.content, token.id);
  return table;
}

void check_merges_yield_no_special(const TokenizerJson& json, const SpecialIds& ids, const std::string& file) {
  for (const Merge& merge : json.merges) {
    for (const int32_t id : {ids.bos, ids.eos, ids.pad, ids.image, ids.user, ids.assistant}) {
      if (merge.merged != id) continue;
      throw Error(ErrorCode::kModelLoad, file + ": model.merges yield the special token with id " + std::to_string(id) +
                                             "; allowed: special tokens that no merge yields");
    }
  }
}

TokenizerJson parse_tokenizer_json(const std::string& text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonView view(document, file);
  TokenizerJson result;
  result.style = parse_tokenizer_style(view);
  const JsonView model = view["model"];
  result.vocab = parse_vocab(model["vocab"]);
  const TokenTable known = token_index(result.vocab, {});
  result.merges = parse_merges(model["merges"], known);
  if (!MergeTable(result.merges).has_distinct_pairs()) model["merges"].fail("names a pair of tokens twice");
  result.added_tokens = parse_added_tokens(view["added_tokens"], result.vocab, known);
  return result;
}

TokenizerJson add_special_tokens(TokenizerJson json, const std::vector<std::string_view>& tokens, const std::string& file) {
  const TokenTable vocab = token_index(json.vocab, {});
  const auto vocab_size = static_cast<int32_t>(json.vocab.size());
  int32_t highest = -1;
  for (const VocabEntry& entry : json.vocab) highest = std::max(highest, entry.id);
  const bool has_holes = highest >= vocab_size;
  int32_t next = vocab_size;
  for (const AddedToken& token : json.added_tokens) next = std::max(next, token.id + 1);
  for (const std::string_view content : tokens) {
    const auto same = [content](const AddedToken& token) { return token.content == content; };
    const auto it = std::find_if(json.added_tokens.begin(), json.added_tokens.end(), same);
    if (it != json.added_tokens.end()) {
      it->normalized = false;
      it->special = true;
      continue;
    }
    const int32_t known = vocab.find(content);
    if (known == TokenTable::kAbsent && (has_holes || next > kMaxId)) {
      throw Error(ErrorCode::kModelLoad, file + ": there is no id for the token \"" + std::string(content) +
                                             "\", since the ids of model.vocab have gaps or are too many");
    }
    json.added_tokens.push_back({known == TokenTable::kAbsent ? next++ : known, std::string(content), false, true});
  }
  return json;
}

}  // namespace spyhop
