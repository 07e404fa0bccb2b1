// Grammars followed over a small vocabulary, as an answer follows them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "grammar/compiled_grammar.h"
#include "spyhop/error.h"

namespace spyhop::fuzz {

/// Every byte, some tokens that cross borders of grammars, and the end at last.
inline const std::vector<std::string>& token_texts() {
  static const std::vector<std::string> tokens = [] {
    std::vector<std::string> all;
    for (int byte = 0; byte < 256; ++byte) all.emplace_back(1, static_cast<char>(byte));
    for (const char* token : {"\"a\"",        "{\"",      "\":", ": ", "null", "true", "12", "-1",   "\", \"", "\n  ",
                              "\xe4\xb8\xad", "\xe4\xb8", "\"}", "]}", "[[",   "\\\"", ", ", "aaaa", "2024-0", ".5"}) {
      all.emplace_back(token);
    }
    all.emplace_back();
    return all;
  }();
  return tokens;
}

inline int32_t end_token() {
  return static_cast<int32_t>(token_texts().size()) - 1;
}

inline std::shared_ptr<const CompiledGrammar> compile(const Grammar& grammar) {
  static const auto vocabulary = [] {
    const std::vector<std::string_view> views(token_texts().begin(), token_texts().end());
    return std::make_shared<const Vocabulary>(views, static_cast<int32_t>(views.size()));
  }();
  return std::make_shared<const CompiledGrammar>(grammar, vocabulary, end_token());
}

/// A random answer; nothing when it was not at its end after `max_tokens` or a second, which is no time for a hostile grammar.
/// Checks masks against single tokens on the way.
inline std::optional<std::string> random_answer(const std::shared_ptr<const CompiledGrammar>& grammar, std::mt19937& random,
                                                int max_tokens) {
  std::string state = grammar->start();
  std::string answer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (int i = 0; i < max_tokens && std::chrono::steady_clock::now() < deadline; ++i) {
    const auto next = grammar->next_tokens(state);
    check(next->may_end == next->tokens.test(end_token()), "the end is in the mask where the answer may end");
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < end_token(); ++id) {
      if (next->tokens.test(id)) ids.push_back(id);
    }
    check(next->may_go_on == !ids.empty(), "an answer goes on exactly where a token may follow");
    const auto tried = static_cast<int32_t>(random() % static_cast<uint32_t>(end_token()));
    check(next->tokens.test(tried) == !grammar->after(state, tried).empty(), "a mask holds what may follow");
    if (next->may_end && (ids.empty() || random() % 3 == 0)) return answer;
    if (ids.empty()) return std::nullopt;
    const bool closes = next->tokens.test('"') && random() % 4 == 0;
    const int32_t id = closes ? '"' : ids[random() % ids.size()];
    state = grammar->after(state, id);
    check(!state.empty(), "what a mask holds may follow");
    answer += token_texts()[static_cast<size_t>(id)];
  }
  return std::nullopt;
}

/// Compiles what `parse` gives, and has `check_answer` see random answers of it. An Error must be the client's fault.
inline void follow(const std::function<Grammar()>& parse, const std::function<void(const std::string&)>& check_answer) {
  try {
    const auto grammar = compile(parse());
    std::mt19937 random(1);
    for (int i = 0; i < 2; ++i) {
      if (const auto answer = random_answer(grammar, random, 40)) check_answer(*answer);
    }
  } catch (const Error& e) {
    check(e.code() == ErrorCode::kInvalidRequest, "what is wrong with a grammar is the client's fault");
    check(e.what()[0] != '\0', "an error has a message");
  }
}

}  // namespace spyhop::fuzz
