#include "grammar/compiled_grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "grammar/gbnf.h"
#include "grammar/grammar_cache.h"
#include "grammar/json_schema.h"
#include "grammar/list_grammars.h"
#include "grammar_fixture.h"

namespace spyhop {
namespace {

/// The tokens that may follow, found one by one.
std::vector<int32_t> tried_one_by_one(const CompiledGrammar& grammar, const std::string& state) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < end_token(); ++id) {
    if (!grammar.after(state, id).empty()) ids.push_back(id);
  }
  if (grammar.may_end(state)) ids.push_back(end_token());
  return ids;
}

std::vector<int32_t> ids_of(const TokenMask& mask) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id <= end_token(); ++id) {
    if (mask.test(id)) ids.push_back(id);
  }
  return ids;
}

TEST(CompiledGrammar, MasksEqualThoseOfTryingEveryToken) {
  std::vector<Grammar> grammars;
  grammars.push_back(json_object_grammar());
  grammars.push_back(regex_grammar("(ab|[a-h]+e?){1,40}.{0,9}"));
  grammars.push_back(regex_grammar("[^x]{3,12}(the|\xe4\xb8\xad)*"));
  grammars.push_back(parse_json_schema(R"({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 7}})"));
  grammars.push_back(box_list_grammar(3));
  std::mt19937 random(1);
  for (const Grammar& grammar : grammars) {
    const auto subject = compiled(grammar);
    std::string state = subject->start();
    for (int step = 0; step < 60; ++step) {
      const std::vector<int32_t> expected = tried_one_by_one(*subject, state);
      ASSERT_EQ(ids_of(subject->next_tokens(state)->tokens), expected);
      if (expected.size() == 1 && expected[0] == end_token()) break;
      const int32_t id = expected[random() % expected.size()];
      if (id != end_token()) state = subject->after(state, id);
    }
  }
}

TEST(CompiledGrammar, MasksOfLargeVocabulariesEqualThoseOfTryingEveryToken) {
  std::vector<std::string> tokens = small_vocabulary();
  std::mt19937 random(2);
  const std::string_view letters = "abcdefghij \"\\\n{}:,0123\xc3\xa9";
  while (tokens.size() < 6000) {
    std::string token;
    for (size_t length = 1 + random() % 12; token.size() < length;) token += letters[random() % letters.size()];
    tokens.push_back(token);
  }
  const auto vocabulary = vocabulary_of(tokens);
  for (const char* schema : {R"({"type": "string"})", R"({"type": "string", "maxLength": 9})",
                             R"({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}})"}) {
    const CompiledGrammar grammar(parse_json_schema(schema), vocabulary, end_token());
    std::string state = grammar.start();
    for (int step = 0; step < 12; ++step) {
      const TokenMask mask = grammar.next_tokens(state)->tokens;
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id < static_cast<int32_t>(tokens.size()); ++id) {
        if (id == end_token()) continue;
        ASSERT_EQ(mask.test(id), !grammar.after(state, id).empty()) << schema << " " << tokens[static_cast<size_t>(id)];
        if (mask.test(id)) allowed.push_back(id);
      }
      if (allowed.empty()) break;
      state = grammar.after(state, allowed[random() % allowed.size()]);
    }
  }
}

TEST(CompiledGrammar, EndIsAllowedExactlyWhereTheGrammarMayEnd) {
  const auto grammar = compiled(regex_grammar("ab?"));
  Matcher matcher(grammar);
  EXPECT_FALSE(matcher.may_end());
  EXPECT_FALSE(matcher.next_tokens()->tokens.test(end_token()));
  EXPECT_FALSE(matcher.accept(end_token()));
  ASSERT_TRUE(matcher.accept('a'));
  EXPECT_TRUE(matcher.next_tokens()->tokens.test(end_token()));
  ASSERT_TRUE(matcher.accept('b'));
  EXPECT_EQ(ids_of(matcher.next_tokens()->tokens), std::vector<int32_t>{end_token()});
}

TEST(CompiledGrammar, TokensWithoutBytesAndBeyondTheVocabularyAreNeverAllowed) {
  const auto grammar = compiled(regex_grammar("[\\s\\S]*"));
  const auto next = grammar->next_tokens(grammar->start());
  for (int32_t id = end_token() + 1; id < end_token() + 4; ++id) EXPECT_FALSE(next->tokens.test(id));
  EXPECT_TRUE(grammar->after(grammar->start(), end_token() + 1).empty());
  EXPECT_TRUE(grammar->after(grammar->start(), -1).empty());
}

TEST(CompiledGrammar, AStateAskedForAgainIsKnown) {
  const auto grammar = compiled(json_object_grammar());
  const auto first = grammar->next_tokens(grammar->start());
  EXPECT_EQ(grammar->next_tokens(grammar->start()), first);
  EXPECT_EQ(grammar->stats().num_computed, 1);
  EXPECT_EQ(grammar->stats().num_cached, 1);
}

TEST(CompiledGrammar, HostileGrammarsEndAtALimit) {
  const char* const sources[] = {
      R"(root ::= (a{1,1000}){1,1000} a ::= "x"{1,1000})",
      R"(root ::= ("x"? "x"? "x"? "x"? "x"? "x"? "x"? "x"?){0,100000})",
      R"(root ::= "x" | "x" root root root)",
      R"(root ::= (("x"*)*)* (("x"{0,500}){0,500}){0,500})",
      R"_(root ::= "(" root ")" | "(" root "]" | "x" root "x" | "x")_",
  };
  for (const char* source : sources) {
    const auto begin = std::chrono::steady_clock::now();
    const std::string error = error_of([&] {
      const auto grammar = compiled(parse_gbnf(source));
      Matcher matcher(grammar);
      for (int i = 0; i < 50; ++i) {
        matcher.next_tokens();
        if (!matcher.accept('x') && !matcher.accept('(')) break;
      }
    });
    EXPECT_TRUE(error == "no error" || error.find("too ambiguous") != std::string::npos) << error;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << source;
  }
}

TEST(CompiledGrammar, GrammarsOverALimitAreRefused) {
  EXPECT_THAT(error_of([] { compiled(regex_grammar("(((a{200}b){200}c){200}d){200}" + std::string(300'000, 'x'))); }),
              testing::HasSubstr("the source is"));
  EXPECT_THAT(error_of([] { compiled(regex_grammar("a{999999}")); }), testing::HasSubstr("allowed: 0 to 100000"));
  EXPECT_THAT(error_of([] { compiled(regex_grammar(std::string(300, '(') + std::string(300, ')'))); }),
              testing::HasSubstr("too deep"));
  EXPECT_THAT(error_of([] { compiled(parse_gbnf("root ::= \"a\" root")); }), testing::HasSubstr("no text matches"));
  std::string many;
  for (int i = 0; i < 26'000; ++i) many += "\\W?.";
  EXPECT_THAT(error_of([&] { compiled(regex_grammar(many)); }), testing::HasSubstr("allowed: 200000 nodes"));
  many.clear();
  for (int i = 0; i < 40'000; ++i) many += "a*b";
  EXPECT_THAT(error_of([&] { compiled(regex_grammar(many)); }), testing::HasSubstr("allowed: 100000 expressions"));
}

TEST(GrammarCache, KeepsTheLatestWithinItsBytes) {
  GrammarCache cache(1);
  int num_compiled = 0;
  const auto compile = [&] {
    ++num_compiled;
    return compiled(regex_grammar("a"));
  };
  const auto first = cache.get("one", compile);
  EXPECT_EQ(cache.get("one", compile), first);
  cache.get("two", compile);
  cache.get("one", compile);
  EXPECT_EQ(num_compiled, 3);
}

TEST(ListGrammars, BoxesAreListsOfFourNumbers) {
  const auto grammar = compiled(box_list_grammar(2));
  EXPECT_TRUE(accepts(*grammar, "[[0, 10, 200, 999]]"));
  EXPECT_TRUE(accepts(*grammar, "[[0, 10, 200, 999], [1, 2, 3, 4]]"));
  for (const char* text : {"[]", "[[0, 10, 200]]", "[[0, 10, 200, 1000]]", "[[01, 1, 1, 1]]", "[[0,1,2,3]]", "[0, 1, 2, 3]",
                           "[[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]", "[[-1, 2, 3, 4]]"}) {
    EXPECT_FALSE(accepts(*grammar, text)) << text;
  }
}

TEST(ListGrammars, ChoicesAreTakenWhole) {
  const auto grammar = compiled(choice_grammar({"yes", "yesterday", "no"}));
  for (const char* text : {"yes", "yesterday", "no"}) EXPECT_TRUE(accepts(*grammar, text));
  for (const char* text : {"", "y", "yest", "nono"}) EXPECT_FALSE(accepts(*grammar, text));
  EXPECT_THAT(error_of([] { choice_grammar({}); }), testing::HasSubstr("there are 0 choices"));
  EXPECT_THAT(error_of([] { choice_grammar(std::vector<std::string>(1001, "a")); }), testing::HasSubstr("allowed: 1 to 1000"));
  EXPECT_THAT(error_of([] { choice_grammar({std::string(300'000, 'a')}); }),
              testing::HasSubstr("the choices are 300000 bytes"));
  for (const char* bad : {"", "\xff"}) {
    EXPECT_THAT(error_of([&] { choice_grammar({"a", bad}); }), testing::HasSubstr("empty or not UTF-8"));
  }
}

}  // namespace
}  // namespace spyhop
