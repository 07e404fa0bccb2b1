#include "grammar/text_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "common/utf8.h"
#include "grammar_fixture.h"

namespace spyhop {
namespace {

Grammar grammar_of(const TextConditions& conditions) {
  Grammar grammar;
  const Grammar::RuleId root = grammar.add_rule("root");
  grammar.define(root, conditions.write(grammar));
  return grammar;
}

/// All texts of these letters, of up to `max_length` of them.
std::vector<std::string> all_texts(std::string_view letters, size_t max_length) {
  std::vector<std::string> texts{""};
  for (size_t begin = 0, length = 1; length <= max_length; ++length) {
    const size_t end = texts.size();
    for (size_t i = begin; i < end; ++i) {
      for (const char letter : letters) texts.push_back(texts[i] + letter);
    }
    begin = end;
  }
  return texts;
}

struct Case {
  const char* pattern;
  TextLengths lengths;
};

TEST(TextConditions, LookaheadAndLengthsAreThoseOfTheStandardLibrary) {
  const Case cases[] = {
      {"^(?!a)[abc]*$", {}},
      {"^(?!^[ab]*$)a?[bc]*\\(?$", {}},
      {"^(?=.*b)(?=.*c)(?!.*cc)[abc]+$", {}},
      {"^(?!a|b)", {}},
      {"^(?=.{3}$)a", {}},
      {"^(?!.*\\(|[)])(?=[^x])a.*c$", {}},
      {"^[ab]+$", {2, 4}},
      {"^a[bc]*a$", {3, 5}},
      {"^(ab)*$", {1, 5}},
      {"^(ab|c)+$", {2, 5}},
      {"^a*b*$", {2, 4}},
      {"^(a|bb|cccc)$", {2, 3}},
      {"ab", {3, 4}},
      {"^(?!aa)a*(b|cc)$", {0, 4}},
  };
  for (const Case& each : cases) {
    TextConditions conditions;
    conditions.add_pattern(each.pattern, RegexMatch::kSearch);
    conditions.limit(each.lengths);
    const auto grammar = compiled(grammar_of(conditions));
    const std::regex expected(each.pattern);
    for (const std::string& text : all_texts("abc(", 5)) {
      const auto length = static_cast<int64_t>(text.size());
      const bool fits = length >= each.lengths.min && length <= each.lengths.max;
      ASSERT_EQ(accepts(*grammar, text), fits && std::regex_search(text, expected)) << each.pattern << " " << text;
    }
  }
}

TEST(TextConditions, SeveralPatternsHoldTogether) {
  TextConditions conditions;
  conditions.add_pattern("a.*b", RegexMatch::kSearch);
  conditions.add_pattern("[abc]{2,4}", RegexMatch::kWhole);
  conditions.add_pattern("^[^c]*$", RegexMatch::kSearch);
  const auto grammar = compiled(grammar_of(conditions));
  for (const std::string& text : all_texts("abc", 5)) {
    const bool expected = std::regex_match(text, std::regex("[ab]*a[ab]*b[ab]*")) && text.size() >= 2 && text.size() <= 4;
    ASSERT_EQ(accepts(*grammar, text), expected) << text;
  }
}

TEST(TextConditions, CharactersCountAndNotBytes) {
  TextConditions conditions;
  conditions.add_pattern("^(?!x)[^a]*$", RegexMatch::kSearch);
  conditions.limit({1, 2});
  const auto grammar = compiled(grammar_of(conditions));
  for (const char* text : {"\xe4\xb8\xad\xf0\x9f\x98\x80", "\xc3\xa9", "bb"}) EXPECT_TRUE(accepts(*grammar, text)) << text;
  for (const char* text : {"", "bbb", "x", "\xe4\xb8", "\xc3\xa9\xc3\xa9\xc3\xa9"})
    EXPECT_FALSE(accepts(*grammar, text)) << text;
}

TEST(TextConditions, WhatTakesTooManyStatesGetsAShareOfTheCharacters) {
  TextConditions conditions;
  conditions.add_pattern("[a-z]{1,90}(-[a-z]{1,90}){0,9}@[a-z]{1,90}(-[a-z]{1,90}){0,9}", RegexMatch::kWhole);
  conditions.limit({0, 200});
  const auto grammar = compiled(grammar_of(conditions));
  EXPECT_TRUE(accepts(*grammar, "ab@cd"));
  EXPECT_TRUE(accepts(*grammar, "a-b@c-d"));
  std::mt19937 random(1);
  for (int i = 0; i < 30; ++i) EXPECT_LE(random_answer(grammar, random, 400).size(), 200u);
}

TEST(TextConditions, AWholePatternMayLookAhead) {
  const auto grammar = compiled(pattern_grammar("(?=.*\\d)[a-z\\d]{3}"));
  for (const char* text : {"a1b", "123"}) EXPECT_TRUE(accepts(*grammar, text)) << text;
  for (const char* text : {"abc", "a1", "a1b2"}) EXPECT_FALSE(accepts(*grammar, text)) << text;
}

TEST(TextConditions, RefusesWhatNoTextFulfilsAndLookaroundElsewhere) {
  const auto error = [](const char* pattern, const TextLengths& lengths = {}) {
    return error_of([&] {
      TextConditions conditions;
      conditions.add_pattern(pattern, RegexMatch::kSearch);
      conditions.limit(lengths);
      compiled(grammar_of(conditions));
    });
  };
  EXPECT_THAT(error("^(?!a)a"), testing::HasSubstr("no text matches"));
  EXPECT_THAT(error("^a{3}$", {4, 9}), testing::HasSubstr("no text matches that has so many characters"));
  for (const char* pattern : {"(?=a)b", "^(?!a)b|c", "^a(?=b)", "^((?!a)b)", "(?<!a)b", "^(?!a(?!b))c"}) {
    EXPECT_THAT(error(pattern), testing::HasSubstr("has lookaround")) << pattern;
  }
  EXPECT_THAT(error("^(?!a)(?!b)(?!c)(?!d)(?!e)(?!f)(?!g)(?!h)(?!i)(?!j)x"), testing::HasSubstr("more than 10 patterns"));
  EXPECT_THAT(error("^(?!a"), testing::HasSubstr("has lookaround"));
  EXPECT_THAT(error("^(?!(a)b"), testing::HasSubstr("has lookaround"));
  std::string letters;
  for (uint32_t character = 0x4e00; character < 0x4e00 + 600; ++character) letters += encode_utf8(character) + "?";
  EXPECT_THAT(error(("^(?!a)" + letters).c_str()), testing::HasSubstr("too complex together"));
  EXPECT_THAT(error("^(?=.{0,9000}a)(?=.{0,9000}b)(?=.{0,9000}c)x"), testing::HasSubstr("too complex together"));
}

}  // namespace
}  // namespace spyhop
