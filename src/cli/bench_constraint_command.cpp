// `spyhop bench constraint`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "engine/answer_guide.h"
#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/list_grammars.h"
#include "grammar/regex.h"
#include "prompt/tokenizer.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr int kVocabSize = 129'280;  // of the models with a V3 tokenizer
constexpr int kNumAnswers = 8;
constexpr int kMaxTokens = 200;
constexpr uint32_t kQuoteOdds = 12;  // a string is closed once in so many tokens

struct Options {
  std::string tokenizer;
  double decode_ms = 15;
  bool prints_json = false;
};

struct Subject {
  const char* name;
  Grammar grammar;
};

Grammar pattern(const char* text) {
  Grammar grammar;
  const Grammar::RuleId root = grammar.add_rule("root");
  grammar.define(root, add_regex(grammar, text).expr);
  return grammar;
}

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  all.push_back({"any JSON object", json_object_grammar()});
  all.push_back(
      {"schema of a person", parse_json_schema(R"({"type": "object", "required": ["name", "age", "tags"], "properties": {
      "name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 120},
      "email": {"type": "string", "format": "email"}, "tags": {"type": "array", "items": {"enum": ["alpha", "beta", "gamma"]}},
      "address": {"type": "object", "properties": {"street": {"type": "string", "maxLength": 60}, "city": {"type": "string"}},
                  "required": ["street"]}}})")});
  all.push_back({"recursive schema", parse_json_schema(R"({"$defs": {"node": {"type": "object", "properties": {
      "label": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}, "$ref": "#/$defs/node"})")});
  all.push_back({"string of up to 100", parse_json_schema(R"({"type": "string", "maxLength": 100})")});
  all.push_back({"pattern of words", pattern("([A-Z][a-z]* ){3,20}[a-z]+[.?!]")});
  all.push_back({"GBNF of statements", parse_gbnf(R"_(root ::= ("let " [a-z]+ " = " value ";\n")+
      value ::= [0-9]+ | "\"" [^"\n]* "\"" | "(" value ")")_")});
  all.push_back({"boxes", box_list_grammar(64)});
  return all;
}

/// As many tokens as the models have, made of random syllables: fewer share their beginnings than in a real vocabulary.
std::shared_ptr<const Vocabulary> synthetic_vocabulary() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  std::mt19937 random(1);
  const auto pick = [&](std::string_view from) { return from[random() % from.size()]; };
  while (tokens.size() + 1 < kVocabSize) {
    std::string token = random() % 2 == 0 ? " " : "";
    for (size_t length = 2 + random() % 8; token.size() < length;) {
      token += pick("bcdfghklmnprstvwz");
      token += pick("aeiouy");
    }
    if (random() % 16 == 0) token += pick("\"',.:;(){}[]\n0123456789");
    tokens.push_back(token);
  }
  tokens.emplace_back();  // the end
  const std::vector<std::string_view> views(tokens.begin(), tokens.end());
  return std::make_shared<const Vocabulary>(views, kVocabSize);
}

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

int32_t pick_token(const TokenMask& mask, const Vocabulary& vocabulary, int32_t end, std::mt19937& random) {
  std::vector<int32_t> ids;
  const bool wants_quote = random() % kQuoteOdds == 0;
  for (int32_t id = 0; id < vocabulary.num_tokens(); ++id) {
    if (id == end || !mask.test(id)) continue;
    if (wants_quote && vocabulary.bytes(id) == "\"") return id;
    ids.push_back(id);
  }
  return ids.empty() ? end : ids[random() % ids.size()];
}

/// Milliseconds that each token of random answers costs: its mask, and going on by it.
std::vector<double> token_times(const std::shared_ptr<const CompiledGrammar>& grammar, const Vocabulary& vocabulary,
                                int32_t end) {
  std::vector<double> times;
  std::mt19937 random(1);
  for (int answer = 0; answer < kNumAnswers; ++answer) {
    Matcher matcher(grammar);
    for (int i = 0; i < kMaxTokens; ++i) {
      auto begin = std::chrono::steady_clock::now();
      const auto next = matcher.next_tokens();
      times.push_back(milliseconds_since(begin));
      const int32_t id = next->may_end && random() % 4 == 0 ? end : pick_token(next->tokens, vocabulary, end, random);
      if (id == end) break;
      begin = std::chrono::steady_clock::now();
      matcher.accept(id);
      times.back() += milliseconds_since(begin);
    }
  }
  return times;
}

json measure(const Subject& subject, const std::shared_ptr<const Vocabulary>& vocabulary, int32_t end, double decode_ms) {
  const auto begin = std::chrono::steady_clock::now();
  const auto grammar = std::make_shared<const CompiledGrammar>(subject.grammar, vocabulary, end);
  const double compile_ms = milliseconds_since(begin);
  std::vector<double> times = token_times(grammar, *vocabulary, end);
  const double mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  const MaskStats stats = grammar->stats();
  return {{"name", subject.name},
          {"compile_ms", compile_ms},
          {"tokens", times.size()},
          {"mean_ms", mean},
          {"median_ms", times[times.size() / 2]},
          {"p99_ms", times[times.size() * 99 / 100]},
          {"cached_share", static_cast<double>(stats.num_cached) / static_cast<double>(stats.num_cached + stats.num_computed)},
          {"share_of_decode", mean / decode_ms},
          {"bytes", grammar->num_bytes()}};
}

void print_table(const json& result) {
  std::printf("vocabulary: %s, %d tokens, made in %.0f ms; a token takes %g ms to decode\n\n",
              result["vocabulary"].get<std::string>().c_str(), kVocabSize, result["vocabulary_ms"].get<double>(),
              result["decode_ms"].get<double>());
  std::printf("%-20s %10s %7s %9s %9s %9s %8s %10s\n", "constraint", "compile ms", "tokens", "mean ms", "median ms", "p99 ms",
              "cached", "of decode");
  for (const json& row : result["constraints"]) {
    std::printf("%-20s %10.2f %7zu %9.4f %9.4f %9.4f %7.1f%% %9.2f%%\n", row["name"].get<std::string>().c_str(),
                row["compile_ms"].get<double>(), row["tokens"].get<size_t>(), row["mean_ms"].get<double>(),
                row["median_ms"].get<double>(), row["p99_ms"].get<double>(), row["cached_share"].get<double>() * 100,
                row["share_of_decode"].get<double>() * 100);
  }
}

void bench(const Options& options) {
  std::shared_ptr<const Tokenizer> tokenizer;
  if (!options.tokenizer.empty()) tokenizer = load_tokenizer(options.tokenizer);
  const auto begin = std::chrono::steady_clock::now();
  const int vocab_size = tokenizer == nullptr ? kVocabSize : std::max(kVocabSize, tokenizer->size());
  const auto vocabulary = tokenizer == nullptr ? synthetic_vocabulary() : make_vocabulary(*tokenizer, vocab_size);
  const int32_t end = tokenizer == nullptr ? kVocabSize - 1 : tokenizer->special_ids().eos;
  json result = {{"vocabulary", tokenizer == nullptr ? "synthetic, of random syllables" : options.tokenizer},
                 {"vocabulary_ms", milliseconds_since(begin)},
                 {"decode_ms", options.decode_ms},
                 {"constraints", json::array()}};
  for (const Subject& subject : subjects()) {
    result["constraints"].push_back(measure(subject, vocabulary, end, options.decode_ms));
  }
  if (options.prints_json) {
    std::printf("%s\n", result.dump(2).c_str());
  } else {
    print_table(result);
  }
}

}  // namespace

void add_bench_constraint_command(CLI::App& parent) {
  CLI::App* const command = parent.add_subcommand(
      "constraint", "What structured output costs per token, over a vocabulary of 129,280, from nothing cached");
  const auto options = std::make_shared<Options>();
  command->add_option("--tokenizer", options->tokenizer,
                      "Folder or file of the tokenizer; without it, a synthetic vocabulary is measured");
  command->add_option("--decode-ms", options->decode_ms, "Milliseconds that the model takes for a token, to compare with")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--json", options->prints_json, "Prints JSON in place of a table");
  command->callback([options] { bench(*options); });
}

}  // namespace spyhop
