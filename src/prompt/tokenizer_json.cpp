#include "prompt/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/json_fields.h"
#include "prompt/json_view.h"
#include "prompt/token_table.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxShownPattern = 60;  // bytes
constexpr size_t kMaxShownSteps = 600;   // bytes
constexpr int64_t kMaxId = MergeTable::kMaxIds - 1;

json split_step(const std::string& pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

/// The steps of a known sequence, without the fields that do not change how a text is cut.
json expected_steps(PreTokenizerKind kind) {
  json steps = json::array();
  for (const std::string& pattern : split_patterns(kind)) steps.push_back(split_step(pattern));
  if (kind == PreTokenizerKind::kV2) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  return steps;
}

std::string describe_step(const json& step) {
  if (!step.is_object() || !step.contains("type") || !step["type"].is_string()) return "(no type)";
  const std::string type = step["type"].get<std::string>();
  if (type != "Split" || !step.contains("pattern")) return type;
  return type + " " + in_quotes(step["pattern"].dump(), kMaxShownPattern);
}

/// A pre-tokenizer as an error message names it.
std::string describe(const JsonView& view) {
  if (view["type"].json() != "Sequence" || !view["pretokenizers"].is_array()) return describe_step(view.json());
  std::string steps;
  for (const json& step : view["pretokenizers"].json()) {
    if (steps.size() > kMaxShownSteps) {
      steps += ", ...";
      break;
    }
    steps += (steps.empty() ? "" : ", ") + describe_step(step);
  }
  return "the sequence [" + steps + "]";
}

PreTokenizerKind parse_pre_tokenizer(const JsonView& view) {
  if (view.is_object() && view["type"].json() == "Sequence" && view["pretokenizers"].is_array()) {
    json steps = view["pretokenizers"].json();
    for (json& step : steps) {
      if (step.is_object()) step.erase("trim_offsets");
    }
    for (const PreTokenizerKind kind : {PreTokenizerKind::kV2, PreTokenizerKind::kV3}) {
      if (steps == expected_steps(kind)) return kind;
    }
  }
  if (!view.is_object()) view.reject("a sequence of steps");
  view.fail("is " + describe(view) + "; allowed: the sequence of DeepSeek-V2 or that of DeepSeek-V3, exactly");
}

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

TokenTable index_of(const std::vector<VocabEntry>& vocab) {
  size_t num_bytes = 0;
  for (const VocabEntry& entry : vocab) num_bytes += entry.token.size();
  TokenTable table(vocab.size(), num_bytes);
  for (const VocabEntry& entry : vocab) table.add(entry.token, entry.id);
  return table;
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

void expect_absent_or_empty(const JsonView& view) {
  if (!view.is_null() && view.json() != "") view.reject("null or \"\"");
}

void check_model_options(const JsonView& view) {
  view["type"].expect_one_of({"BPE"});
  view["dropout"].expect_null();
  view["unk_token"].expect_null();
  expect_absent_or_empty(view["continuing_subword_prefix"]);
  expect_absent_or_empty(view["end_of_word_suffix"]);
  view["byte_fallback"].expect_unless_null(false);
  view["ignore_merges"].expect_unless_null(false);
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

void check_normalizer(const JsonView& view) {
  if (view.is_null()) return;
  view["type"].expect_one_of({"Sequence"});
  if (view["normalizers"].array_size() != 0) view["normalizers"].reject("an empty list: texts are encoded as they are");
}

}  // namespace

TokenizerJson parse_tokenizer_json(const std::string& text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonView view(document, file);
  TokenizerJson result;
  check_normalizer(view["normalizer"]);
  result.pre_tokenizer = parse_pre_tokenizer(view["pre_tokenizer"]);
  view["decoder"]["type"].expect_one_of({"ByteLevel"});
  const JsonView model = view["model"];
  check_model_options(model);
  result.vocab = parse_vocab(model["vocab"]);
  const TokenTable known = index_of(result.vocab);
  result.merges = parse_merges(model["merges"], known);
  if (!MergeTable(result.merges).has_distinct_pairs()) model["merges"].fail("names a pair of tokens twice");
  result.added_tokens = parse_added_tokens(view["added_tokens"], result.vocab, known);
  return result;
}

TokenizerJson add_special_tokens(TokenizerJson json, const std::vector<std::string_view>& tokens, const std::string& file) {
  const TokenTable vocab = index_of(json.vocab);
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
