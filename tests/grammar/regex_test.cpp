#include "grammar/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar_fixture.h"

namespace spyhop {
namespace {

struct Case {
  const char* pattern;
  std::vector<const char*> matching;
  std::vector<const char*> others;
};

TEST(Regex, MatchesWholeTexts) {
  const Case cases[] = {
      {"abc", {"abc"}, {"ab", "abcd", ""}},
      {"^a|b$", {"a", "b"}, {"ab"}},
      {"[a-c]+?x", {"ax", "abcx"}, {"x", "dx"}},
      {"(?:ab){2,3}", {"abab", "ababab"}, {"ab", "abababab"}},
      {"(?P<year>\\d{4})-(?<m>\\d\\d)", {"2024-01"}, {"224-01"}},
      {"[^\\d\\s]", {"x", "\xe4\xb8\xad"}, {"1", " ", "xx"}},
      {"\\u4e2d\\x41\\u{1F600}", {"\xe4\xb8\xad\x41\xf0\x9f\x98\x80"}, {"A"}},
      {"[\\]\\-a-]*", {"]-a", ""}, {"b"}},
      {".", {"x", "\xc3\xa9"}, {"\n", "", "\x80", "\xc3"}},
      {"\\.\\*\\{", {".*{"}, {"xxx"}},
      {"a{3}", {"aaa"}, {"aa", "aaaa"}},
      {"a{2,}", {"aa", "aaaaa"}, {"a"}},
      {"(a{20,30}b){1,2}", {"aaaaaaaaaaaaaaaaaaaaaab"}, {"ab"}},
      {"(a|b|)c", {"ac", "c"}, {"abc"}},
  };
  for (const Case& each : cases) {
    const auto grammar = compiled(regex_grammar(each.pattern));
    for (const char* text : each.matching) EXPECT_TRUE(accepts(*grammar, text)) << each.pattern << " " << text;
    for (const char* text : each.others) EXPECT_FALSE(accepts(*grammar, text)) << each.pattern << " " << text;
  }
}

TEST(Regex, SearchesWhereItIsNotHeldToTheEnds) {
  const auto inside = compiled(regex_grammar("ab", RegexMatch::kSearch));
  EXPECT_TRUE(accepts(*inside, "xxabxx"));
  EXPECT_FALSE(accepts(*inside, "xaxb"));
  const auto begin = compiled(regex_grammar("^ab|c$", RegexMatch::kSearch));
  EXPECT_TRUE(accepts(*begin, "abx"));
  EXPECT_TRUE(accepts(*begin, "xc"));
  EXPECT_FALSE(accepts(*begin, "xabx"));
}

TEST(Regex, RefusesByNameAndPosition) {
  const std::pair<const char*, const char*> cases[] = {
      {"a(?=b)", "has lookaround, which is not supported (at byte 3)"},
      {"(?<!b)a", "has lookaround"},
      {"(a)\\1", "has a backreference, which is not supported (at byte 5)"},
      {"\\bword", "has the escape \\b, which is not supported"},
      {"\\p{L}", "has the escape \\p"},
      {"(?i)a", "has a kind of group that is not supported"},
      {"a**", "has nothing to repeat here (at byte 2)"},
      {"*a", "has nothing to repeat here"},
      {"a)", "has a ) without its ("},
      {"(a", "needs ) here"},
      {"[a", "ends too early"},
      {"[]a]", "has an empty class"},
      {"[z-a]", "has a range that ends before it begins"},
      {"[[:alpha:]]", "has a named class"},
      {"a$b", "goes on behind $"},
      {"(^a)", "has ^ elsewhere than at its ends"},
      {"a{3,1}", "a repetition is {3,1}"},
      {"\\ud800", "has a number here that is no character"},
      {"\xff", "is not UTF-8"},
      {"a{99999999}", "has too large a number here"},
  };
  for (const auto& [pattern, message] : cases) {
    EXPECT_THAT(error_of([p = pattern] { regex_grammar(p); }), testing::HasSubstr(message)) << pattern;
  }
}

TEST(Regex, TellsHowLongItsTextsAre) {
  Grammar grammar;
  const Regex regex = add_regex(grammar, "(ab|c){2,5}d?");
  EXPECT_EQ(regex.lengths.min, 2);
  EXPECT_EQ(regex.lengths.max, 11);
  EXPECT_EQ(add_regex(grammar, "a*").lengths.max, TextLengths::kNoLimit);
}

}  // namespace
}  // namespace spyhop
