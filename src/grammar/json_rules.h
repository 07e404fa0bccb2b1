// The parts that grammars of JSON texts are made of.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"

namespace spyhop {

/// Adds expressions for JSON to a grammar.
///
/// White space is limited, so that nothing can be made longer without end by it: none or one space after ":"; after "{", "["
/// and
/// "," and before "}" and "]" none, one space, or a line feed and up to 20 spaces. A whole number has at most 15 digits, others
/// that many before and behind the point and an exponent of at most two. Strings may have every escape of JSON, but no half of
/// a surrogate pair.
class JsonRules {
 public:
  using ExprId = Grammar::ExprId;

  explicit JsonRules(Grammar& grammar) : grammar_(grammar) {}

  Grammar& grammar() { return grammar_; }

  ExprId value();
  ExprId object();
  ExprId array();
  /// By numbers of characters, each escape being one.
  ExprId string(const RepeatBounds& lengths = {});
  ExprId number();
  ExprId integer();

  /// A property's name, quoted and followed by ":" and the space that may be there.
  ExprId key(std::string_view name);
  /// Any name but these, without escapes.
  ExprId key_but(const std::vector<std::string>& names);
  ExprId any_key();
  /// `name`: a string, in its quotes.
  ExprId key_of(ExprId name) { return grammar_.sequence({name, colon()}); }

  /// One character of a string, from `set`, escaped where JSON must have it so.
  ExprId string_char(const CharSet& set);

  ExprId space();  // beside brackets and after commas
  ExprId quoted(ExprId content) { return grammar_.sequence({grammar_.text("\""), content, grammar_.text("\"")}); }

  /// `item`, then more of them behind commas.
  ExprId list(ExprId item, const RepeatBounds& count);

 private:
  ExprId colon();
  ExprId any_string_char();
  ExprId unicode_escape();
  ExprId digits(int min, int max);
  template <typename Make>
  ExprId rule(const char* name, const Make& make);

  Grammar& grammar_;
  std::map<std::string, Grammar::RuleId> rules_;
};

}  // namespace spyhop
