// `spyhop bench constraint`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "engine/answer_guide.h"
#include "grammar/gbnf.h"
#include "grammar/grammar_cache.h"
#include "grammar/json_schema.h"
#include "grammar/list_grammars.h"
#include "grammar/text_conditions.h"
#include "prompt/tokenizer.h"
#include "runtime/buffer_pool.h"
#include "runtime/sampler.h"

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
  std::string source;
  std::function<Grammar(const std::string&)> parse;
};

Grammar pattern(const std::string& text) {
  return pattern_grammar(text);
}

Grammar schema(const std::string& text) {
  return parse_json_schema(text);
}

Grammar gbnf(const std::string& text) {
  return parse_gbnf(text);
}

std::vector<Subject> subjects() {
  return {
      {"any JSON object", "", [](const std::string&) { return json_object_grammar(); }},
      {"schema of a person", R"({"type": "object", "required": ["name", "age", "tags"], "properties": {
          "name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 120},
          "email": {"type": "string", "format": "email"}, "tags": {"type": "array", "items": {"enum": ["alpha", "beta", "gamma"]}},
          "address": {"type": "object", "properties": {"street": {"type": "string", "maxLength": 60}, "city": {"type": "string"}},
                      "required": ["street"]}}})",
       schema},
      {"schema of an invoice", R"({"type": "object", "required": ["number", "date", "lines", "total"], "properties": {
          "number": {"type": "string", "pattern": "^INV-\\d{4,8}$"}, "date": {"type": "string", "format": "date"},
          "currency": {"enum": ["EUR", "USD", "CNY"]}, "total": {"type": "number", "minimum": 0},
          "lines": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "object", "required": ["item", "prices"],
                    "properties": {"item": {"type": "string", "maxLength": 80}, "count": {"type": "integer", "minimum": 1},
                                   "prices": {"type": "array", "items": {"type": "number"}}}}}}})",
       schema},
      {"recursive schema", R"({"$defs": {"node": {"type": "object", "properties": {"label": {"type": "string"},
          "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}, "$ref": "#/$defs/node"})",
       schema},
      {"string of up to 100", R"({"type": "string", "maxLength": 100})", schema},
      {"pattern of words", "([A-Z][a-z]* ){3,20}[a-z]+[.?!]", pattern},
      {"four choices", "",
       [](const std::string&) {
         return choice_grammar({"positive", "negative", "neutral", "mixed feelings"});
       }},
      {"GBNF of statements", R"_(root ::= ("let " [a-z]+ " = " value ";\n")+
          value ::= [0-9]+ | "\"" [^"\n]* "\"" | "(" value ")")_",
       gbnf},
      {"boxes", "", [](const std::string&) { return box_list_grammar(64); }},
  };
}

struct BenchVocabulary {
  std::function<std::shared_ptr<const Vocabulary>()> make;
  int32_t end = 0;
};

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

double share_of(int64_t part, int64_t other) {
  return static_cast<double>(part) / static_cast<double>(std::max<int64_t>(part + other, 1));
}

json measure(const Subject& subject, const BenchVocabulary& tokens, double decode_ms) {
  const auto vocabulary = tokens.make();  // which nothing has been compiled over
  GrammarCache cache;
  const auto compile = [&] {
    return cache.get(subject.source, [&] {
      return std::make_shared<const CompiledGrammar>(subject.parse(subject.source), vocabulary, tokens.end);
    });
  };
  auto begin = std::chrono::steady_clock::now();
  const auto grammar = compile();
  const double compile_ms = milliseconds_since(begin);
  begin = std::chrono::steady_clock::now();
  compile();
  const double cached_ms = milliseconds_since(begin);
  std::vector<double> times = token_times(grammar, *vocabulary, tokens.end);
  const double mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  const MaskStats stats = grammar->stats();
  return {{"name", subject.name},
          {"compile_ms", compile_ms},
          {"compile_cached_ms", cached_ms},
          {"tokens", times.size()},
          {"mean_ms", mean},
          {"median_ms", times[times.size() / 2]},
          {"p99_ms", times[times.size() * 99 / 100]},
          {"max_ms", times.back()},
          {"cached_share", share_of(stats.num_cached, stats.num_computed)},
          {"share_of_decode", mean / decode_ms},
          {"bytes", grammar->num_bytes()}};
}

/// Milliseconds that a mask, that of a string's inside, adds to the choice of a token, in the median.
double sampling_ms(const BenchVocabulary& tokens) {
  constexpr int kRounds = 201;
  pool_tensor_memory();
  const CompiledGrammar inside(pattern_grammar("[^\"\\\\]*"), tokens.make(), tokens.end);
  const auto next = inside.next_tokens(inside.start());
  const uint64_t* const allowed = next->tokens.words().data();
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> logits(static_cast<size_t>(inside.num_tokens()));
  for (float& logit : logits) logit = normal(random);
  SequenceSampler sampler({}, {}, inside.num_tokens(), 1);
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    auto begin = std::chrono::steady_clock::now();
    sampler.sample(logits.data(), allowed);
    const double with_mask = milliseconds_since(begin);
    begin = std::chrono::steady_clock::now();
    sampler.sample(logits.data());
    times.push_back(with_mask - milliseconds_since(begin));
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

void print_table(const json& result) {
  std::printf("vocabulary: %s, %d tokens, made in %.0f ms\n", result["vocabulary"].get<std::string>().c_str(), kVocabSize,
              result["vocabulary_ms"].get<double>());
  std::printf("a token takes %g ms to decode; choosing one under a mask takes %.3f ms longer\n\n",
              result["decode_ms"].get<double>(), result["sampling_ms"].get<double>());
  std::printf("%-21s %10s %9s %7s %9s %9s %9s %9s %8s %9s\n", "constraint", "compile ms", "cached ms", "tokens", "mean ms",
              "median ms", "p99 ms", "max ms", "cached", "of decode");
  for (const json& row : result["constraints"]) {
    std::printf("%-21s %10.2f %9.4f %7zu %9.4f %9.4f %9.4f %9.4f %7.1f%% %8.2f%%\n", row["name"].get<std::string>().c_str(),
                row["compile_ms"].get<double>(), row["compile_cached_ms"].get<double>(), row["tokens"].get<size_t>(),
                row["mean_ms"].get<double>(), row["median_ms"].get<double>(), row["p99_ms"].get<double>(),
                row["max_ms"].get<double>(), row["cached_share"].get<double>() * 100,
                row["share_of_decode"].get<double>() * 100);
  }
}

BenchVocabulary bench_vocabulary(const std::string& tokenizer_path) {
  if (tokenizer_path.empty()) return {synthetic_vocabulary, kVocabSize - 1};
  const std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(tokenizer_path);
  const int vocab_size = std::max(kVocabSize, tokenizer->size());
  return {[=] { return make_vocabulary(*tokenizer, vocab_size); }, tokenizer->special_ids().eos};
}

void bench(const Options& options) {
  const BenchVocabulary tokens = bench_vocabulary(options.tokenizer);
  const auto begin = std::chrono::steady_clock::now();
  tokens.make();
  json result = {{"vocabulary", options.tokenizer.empty() ? "synthetic, of random syllables" : options.tokenizer},
                 {"vocabulary_ms", milliseconds_since(begin)},
                 {"decode_ms", options.decode_ms},
                 {"sampling_ms", sampling_ms(tokens)},
                 {"constraints", json::array()}};
  for (const Subject& subject : subjects()) {
    result["constraints"].push_back(measure(subject, tokens, options.decode_ms));
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
