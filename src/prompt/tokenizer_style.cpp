#include "prompt/tokenizer_style.h"

#include <nlohmann/json.hpp>

#include "common/json_fields.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxShownPattern = 60;  // bytes
constexpr size_t kMaxShownSteps = 600;   // bytes

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
  std::string type = step["type"].get<std::string>();
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

void check_normalizer(const JsonView& view) {
  if (view.is_null()) return;
  view["type"].expect_one_of({"Sequence"});
  if (view["normalizers"].array_size() != 0) view["normalizers"].reject("an empty list: texts are encoded as they are");
}

void expect_absent_or_empty(const JsonView& view) {
  if (!view.is_null() && view.json() != "") view.reject("null or \"\"");
}

void check_model_options(const JsonView& view) {
  view["type"].expect_one_of({"BPE"});
  view["dropout"].expect_null();
  expect_absent_or_empty(view["continuing_subword_prefix"]);
  expect_absent_or_empty(view["end_of_word_suffix"]);
  view["ignore_merges"].expect_unless_null(false);
}

/// The normalizer and pre-tokenizer that put the space symbol into texts.
LlamaStyle parse_llama_style(const JsonView& document) {
  const json to_symbol = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  const json legacy_normalizer = {{"type", "Sequence"},
                                  {"normalizers", {{{"type", "Prepend"}, {"prepend", "\u2581"}}, to_symbol}}};
  const json metaspace = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"}, {"split", false}};
  const JsonView normalizer = document["normalizer"], pre_tokenizer = document["pre_tokenizer"];
  if (normalizer.json() == legacy_normalizer && pre_tokenizer.is_null()) return LlamaStyle::kLegacy;
  if (normalizer.is_null() && pre_tokenizer.json() == metaspace) return LlamaStyle::kNonLegacy;
  const char* const allowed =
      "with byte_fallback, the normalizer \"Prepend, Replace\" and no pre-tokenizer, or no normalizer and "
      "the pre-tokenizer \"Metaspace\" with prepend_scheme \"first\" and without split";
  if (normalizer.is_null()) pre_tokenizer.reject(allowed);
  normalizer.reject(allowed);
}

void check_llama_options(const JsonView& document) {
  const json decoder = {{"type", "Sequence"},
                        {"decoders",
                         {{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
                          {{"type", "ByteFallback"}},
                          {{"type", "Fuse"}},
                          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  if (document["decoder"].json() != decoder) {
    document["decoder"].reject("with byte_fallback, the sequence Replace, ByteFallback, Fuse, Strip of a leading space");
  }
}

}  // namespace

TokenizerStyle parse_tokenizer_style(const JsonView& document) {
  const JsonView model = document["model"];
  check_model_options(model);
  if (!model["byte_fallback"].is_null() && model["byte_fallback"].boolean()) {
    check_llama_options(document);
    return parse_llama_style(document);
  }
  model["unk_token"].expect_null();
  check_normalizer(document["normalizer"]);
  document["decoder"]["type"].expect_one_of({"ByteLevel"});
  return parse_pre_tokenizer(document["pre_tokenizer"]);
}

}  // namespace spyhop
