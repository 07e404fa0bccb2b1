// Sources that are nearly right: each compiles, or is refused by an Error, and what compiles can be followed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>

#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar_fixture.h"

namespace spyhop {
namespace {

using Corpus = std::vector<std::string>;

const Corpus& schemas() {
  static const Corpus corpus{
      R"({"type":"object","properties":{"a":{"type":"string","maxLength":5},"b":{"$ref":"#/$defs/x"}},"required":["a"],"$defs":{"x":{"type":["integer","null"],"minimum":-3.5,"maximum":1e3}}})",
      R"({"anyOf":[{"type":"array","items":{"$ref":"#"},"minItems":1,"maxItems":9},{"const":{"a":[1,2,"x"]}},{"enum":[1,"1",null]}]})",
      R"({"allOf":[{"type":"object","additionalProperties":{"type":"number","exclusiveMinimum":0.25}},{"required":["q"]}],"oneOf":[true,{"properties":{"q":{"format":"date"}}}]})",
      R"({"type":"string","pattern":"^(a|[^b-d\\d]){2,5}\\u4e2d?$","minLength":2})",
      R"({"prefixItems":[{"type":"boolean"},{"type":"string","format":"uri"}],"items":false})"};
  return corpus;
}

const Corpus& patterns() {
  static const Corpus corpus{"(ab|[c-f]+){2,30}\\d*?", "^\\w+@[a-z.]{1,63}\\.(com|org)$", "(?:a{1,9}|(?<n>[^\\s\\]-]))+x?",
                             "\\u{1F600}|\\x41[\\w-]{0,1000}", "((a*)*)*b"};
  return corpus;
}

const Corpus& grammars() {
  static const Corpus corpus{"root ::= expr\nexpr ::= term ((\"+\" | '-') term)* # sums\nterm ::= [0-9]+ | \"(\" expr \")\"",
                             "root ::= (\"a\" | b){2,50} b ::= [^a-z\\n]{3} \"\\u00e9\"?",
                             "root ::= x x ::= \"\" | \"[\" x \"]\" x"};
  return corpus;
}

std::string mutated(const Corpus& corpus, std::mt19937& random) {
  static const std::string_view alphabet = "{}[]()\"\\|*+?^$.,:-0189aZ #\n\xc3\xff";
  std::string text = corpus[random() % corpus.size()];
  for (size_t left = random() % 6; left > 0; --left) {
    const size_t at = random() % (text.size() + 1);
    const std::string& other = corpus[random() % corpus.size()];
    const size_t from = random() % other.size();
    switch (random() % 4) {
      case 0:
        text.insert(at, 1, alphabet[random() % alphabet.size()]);
        break;
      case 1:
        text.erase(at, random() % 8);
        break;
      case 2:
        text.insert(at, other, from, random() % 40);
        break;
      default:
        if (at < text.size()) text[at] = alphabet[random() % alphabet.size()];
        break;
    }
  }
  return text;
}

/// Short, unless SPYHOP_FUZZ_SECONDS asks for more.
void fuzz(const Corpus& corpus, const std::function<Grammar(const std::string&)>& parse) {
  const char* seconds = std::getenv("SPYHOP_FUZZ_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
  std::mt19937 random(seconds == nullptr ? 1 : std::random_device()());
  int num_compiled = 0;
  for (int i = 0; i < 1500 || std::chrono::steady_clock::now() < end; ++i) {
    const std::string source = mutated(corpus, random);
    const auto begin = std::chrono::steady_clock::now();
    try {
      const auto grammar = compiled(parse(source));
      ++num_compiled;
      const std::string answer = random_answer(grammar, random, 40);
      EXPECT_TRUE(answer.empty() || accepts(*grammar, answer)) << source;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest) << source;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(40)) << source;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(num_compiled, 100);
}

TEST(Fuzz, Schemas) {
  fuzz(schemas(), [](const std::string& source) { return parse_json_schema(source); });
}

TEST(Fuzz, Patterns) {
  fuzz(patterns(), [](const std::string& source) { return regex_grammar(source); });
}

TEST(Fuzz, Gbnf) {
  fuzz(grammars(), [](const std::string& source) { return parse_gbnf(source); });
}

}  // namespace
}  // namespace spyhop
