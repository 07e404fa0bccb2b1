// Strings by several patterns and a number of characters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/regex.h"

namespace spyhop {

/// What a string must be like.
class TextConditions {
 public:
  explicit TextConditions(const GrammarLimits& limits = {}) : limits_(limits) {}

  /// In the dialect of add_regex, and with lookahead at the beginning of a pattern that is held to the text's beginning and has
  /// no alternatives outside of groups: "^(?!0)(?=.{8})\d+$". Throws Error{kInvalidRequest} as add_regex does.
  void add_pattern(std::string_view pattern, RegexMatch match);

  void limit(const TextLengths& lengths) { lengths_ = lengths; }

  /// Adds the strings that fulfil all of it, of which there must be a pattern. `write_char`: as in RegexOptions.
  /// Throws Error{kInvalidRequest} when there is no such string, and for conditions that are too complex together.
  Grammar::ExprId write(Grammar& grammar, const WriteChar& write_char = {}) const;

 private:
  struct Condition {
    std::string pattern;
    RegexMatch match = RegexMatch::kWhole;
    bool is_inverted = false;  // must not match
    TextLengths lengths;       // of what matches
    Grammar grammar;           // of what matches
  };

  void add(Condition condition);
  static bool is_implied(size_t index, const std::vector<const Condition*>& conditions);
  std::vector<const Condition*> needed() const;

  GrammarLimits limits_;
  std::vector<Condition> conditions_;
  TextLengths lengths_;
};

/// A grammar of the texts that a pattern matches as a whole.
Grammar pattern_grammar(std::string_view pattern, const GrammarLimits& limits = {});

}  // namespace spyhop
