// A context-free grammar over characters, as the compilers of schemas, patterns and GBNF make it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/char_set.h"

namespace spyhop {

/// What a source may cost. Whoever is over a limit gets Error{kInvalidRequest} that names it.
struct GrammarLimits {
  size_t max_source_bytes = size_t{256} << 10;
  size_t max_expressions = 100'000;  // of a grammar, after $refs and repetitions have been expanded as far as they are
  int max_depth = 200;               // expressions within each other
  int max_repeats = 100'000;         // of a bound such as the 5 in {2,5}
  size_t max_nodes = 200'000;        // of the network made of it
};

inline constexpr int kUnbounded = -1;

struct RepeatBounds {
  int min = 0;
  int max = kUnbounded;
};

/// Expressions and rules, built from the leaves up. The first rule is the whole answer.
class Grammar {
 public:
  using ExprId = uint32_t;
  using RuleId = uint32_t;

  enum class Kind { kBytes, kChars, kSequence, kChoice, kRepeat, kRule };

  struct Expr {
    Kind kind = Kind::kBytes;
    int depth = 1;
    std::string bytes;          // kBytes: UTF-8, may be empty
    CharSet chars;              // kChars: one of them
    std::vector<ExprId> parts;  // kSequence, kChoice, and the one of kRepeat
    RepeatBounds bounds;        // kRepeat
    RuleId rule = 0;            // kRule
  };

  struct Rule {
    std::string name;
    ExprId body = 0;
    bool is_defined = false;
  };

  explicit Grammar(const GrammarLimits& limits = {}) : limits_(limits) {}

  ExprId text(std::string_view bytes);
  ExprId empty() { return text({}); }
  /// Matches nothing when the set is empty.
  ExprId chars(CharSet set);
  ExprId sequence(std::vector<ExprId> parts);
  /// Matches nothing without parts.
  ExprId choice(std::vector<ExprId> parts);
  /// Throws Error{kInvalidRequest} for bounds over the limit, or min over max.
  ExprId repeat(ExprId part, const RepeatBounds& bounds);
  ExprId optional(ExprId part) { return repeat(part, {0, 1}); }
  ExprId call(RuleId rule);
  /// One of some strings, whose common beginnings are shared.
  ExprId one_of(std::vector<std::string> strings);

  RuleId add_rule(std::string name);
  void define(RuleId rule, ExprId body);

  const Expr& expr(ExprId id) const { return exprs_[id]; }
  const std::vector<Rule>& rules() const { return rules_; }
  size_t num_exprs() const { return exprs_.size(); }
  const GrammarLimits& limits() const { return limits_; }

 private:
  ExprId add(Expr expr);
  ExprId one_of_sorted(const std::vector<std::string>& strings, size_t begin, size_t end, size_t skip);

  GrammarLimits limits_;
  std::vector<Expr> exprs_;
  std::vector<Rule> rules_;
};

/// Throws Error{kInvalidRequest} for a source over the limit.
void check_source_size(std::string_view source, const GrammarLimits& limits);

}  // namespace spyhop
