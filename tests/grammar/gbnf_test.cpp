#include "grammar/gbnf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar_fixture.h"

namespace spyhop {
namespace {

TEST(Gbnf, ReadsRulesOverSeveralLines) {
  const auto grammar = compiled(parse_gbnf(R"_(
# sums
root ::= sum "\n"?
sum  ::= term (
           ("+" | "-") term
         )*
term ::= [0-9]{1,3} | "(" sum ")"
       | '\x41' [^\n()a-z]+)_"));
  for (const char* text : {"1", "12+3\n", "(1-(2+3))", "A\xc3\xa9X"}) EXPECT_TRUE(accepts(*grammar, text)) << text;
  for (const char* text : {"", "1234", "(1", "Aa", "+1"}) EXPECT_FALSE(accepts(*grammar, text)) << text;
}

TEST(Gbnf, FollowsRecursionOnEitherSideOfAText) {
  const auto grammar = compiled(parse_gbnf(R"(root ::= "" | "a" root "b")"));
  EXPECT_TRUE(accepts(*grammar, "aaabbb"));
  EXPECT_FALSE(accepts(*grammar, "aaabb"));
  EXPECT_TRUE(accepts(*grammar, std::string(500, 'a') + std::string(500, 'b')));
}

TEST(Gbnf, RefusesByRuleOrPosition) {
  const std::pair<const char*, const char*> cases[] = {
      {"root ::= a", "rule \"a\" is not defined"},
      {"a ::= \"x\"", "rule \"root\" is not defined"},
      {"root ::= \"a\" root ::= \"b\"", "defines root twice"},
      {"root ::= root \"a\" | \"b\"", "rule \"root\" can call itself before any character"},
      {"root ::= a a ::= b? c b ::= \"x\" c ::= a \"y\" | \"z\"", "can call itself before any character"},
      {"root = \"a\"", "needs ::= here (at byte 5)"},
      {"start: expr", "needs ::= here"},
      {"root ::= ( \"a\"", "needs ) here"},
      {"root ::= \"a\\q\"", "has the escape \\q"},
      {"root ::= \"a", "ends too early"},
      {"root ::= <[10]>", "needs a text, a class, a group or a rule's name here"},
      {"root ::= [z-a]", "has a range that ends before it begins"},
  };
  for (const auto& [source, message] : cases) {
    EXPECT_THAT(error_of([s = source] { compiled(parse_gbnf(s)); }), testing::HasSubstr(message)) << source;
  }
}

}  // namespace
}  // namespace spyhop
