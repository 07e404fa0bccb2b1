// A small vocabulary, and answers made under a grammar.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/compiled_grammar.h"
#include "grammar/regex.h"
#include "spyhop/error.h"

namespace spyhop {

inline const std::vector<std::string>& small_vocabulary() {
  static const std::vector<std::string> tokens = [] {
    std::vector<std::string> all;
    for (int byte = 0; byte < 256; ++byte) all.emplace_back(1, static_cast<char>(byte));
    for (const char* token : {"\"a\"", "{\"", "\":",   ": ",     "null", "true", "false",        "the",      "hello",
                              "12",    "123", "\\u00", "\", \"", "  ",   "\n  ", "\xe4\xb8\xad", "\xe4\xb8", "\"}",
                              "]}",    "[[",  "name",  "\\\"",   ", ",   "aaaa", "2024-0"}) {
      all.emplace_back(token);
    }
    all.emplace_back("the");  // a twin
    all.emplace_back();       // a special token
    return all;
  }();
  return tokens;
}

inline int32_t end_token() {
  return static_cast<int32_t>(small_vocabulary().size()) - 1;
}

inline std::shared_ptr<const Vocabulary> vocabulary_of(const std::vector<std::string>& tokens) {
  const std::vector<std::string_view> views(tokens.begin(), tokens.end());
  return std::make_shared<const Vocabulary>(views, static_cast<int32_t>(tokens.size()) + 3);
}

inline std::shared_ptr<const CompiledGrammar> compiled(const Grammar& grammar) {
  static const auto vocabulary = vocabulary_of(small_vocabulary());
  return std::make_shared<const CompiledGrammar>(grammar, vocabulary, end_token());
}

inline Grammar regex_grammar(std::string_view pattern, RegexMatch match = RegexMatch::kWhole) {
  Grammar grammar;
  const Grammar::RuleId root = grammar.add_rule("root");
  RegexOptions options;
  options.match = match;
  grammar.define(root, add_regex(grammar, pattern, options).expr);
  return grammar;
}

inline bool accepts(const CompiledGrammar& grammar, std::string_view text) {
  std::string state = grammar.start();
  for (const char byte : text) {
    state = grammar.after(state, static_cast<uint8_t>(byte));
    if (state.empty()) return false;
  }
  return grammar.may_end(state);
}

inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
    return error.what();
  }
  return "no error";
}

/// A random answer of at most `max_tokens` tokens; empty when it was not at its end by then. Prefers the end to going on, and
/// printable characters.
inline std::string random_answer(const std::shared_ptr<const CompiledGrammar>& grammar, std::mt19937& random, int max_tokens) {
  Matcher matcher(grammar);
  std::string text;
  for (int i = 0; i < max_tokens; ++i) {
    const auto next = matcher.next_tokens();
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < end_token(); ++id) {
      if (next->tokens.test(id)) ids.push_back(id);
    }
    EXPECT_EQ(next->may_go_on, !ids.empty());
    EXPECT_EQ(next->may_end, next->tokens.test(end_token()));
    if (next->may_end && (ids.empty() || random() % 3 == 0)) return text;
    EXPECT_FALSE(ids.empty()) << "a dead end after " << text;
    if (ids.empty()) return {};
    const bool closes = next->tokens.test('"') && random() % 4 == 0;
    const int32_t id = closes ? '"' : ids[random() % ids.size()];
    EXPECT_TRUE(matcher.accept(id));
    text += small_vocabulary()[static_cast<size_t>(id)];
  }
  return {};
}

}  // namespace spyhop
