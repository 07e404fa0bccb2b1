#include "grammar/grammar.h"

#include <algorithm>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {

using ExprId = Grammar::ExprId;

ExprId Grammar::add(Expr expr) {
  for (const ExprId part : expr.parts) expr.depth = std::max(expr.depth, exprs_[part].depth + 1);
  if (expr.depth > limits_.max_depth) {
    throw Error(ErrorCode::kInvalidRequest,
                "expressions are nested too deep; allowed: " + std::to_string(limits_.max_depth) + " within each other");
  }
  if (exprs_.size() >= limits_.max_expressions) {
    throw Error(ErrorCode::kInvalidRequest,
                "the grammar is too large; allowed: " + std::to_string(limits_.max_expressions) + " expressions");
  }
  exprs_.push_back(std::move(expr));
  return static_cast<ExprId>(exprs_.size() - 1);
}

ExprId Grammar::text(std::string_view bytes) {
  Expr expr;
  expr.bytes = bytes;
  return add(std::move(expr));
}

ExprId Grammar::chars(CharSet set) {
  Expr expr;
  expr.kind = Kind::kChars;
  expr.chars = std::move(set);
  return add(std::move(expr));
}

ExprId Grammar::sequence(std::vector<ExprId> parts) {
  if (parts.size() == 1) return parts[0];
  Expr expr;
  expr.kind = Kind::kSequence;
  expr.parts = std::move(parts);
  return add(std::move(expr));
}

ExprId Grammar::choice(std::vector<ExprId> parts) {
  if (parts.size() == 1) return parts[0];
  Expr expr;
  expr.kind = Kind::kChoice;
  expr.parts = std::move(parts);
  return add(std::move(expr));
}

ExprId Grammar::repeat(ExprId part, const RepeatBounds& bounds) {
  const int most = std::max(bounds.min, bounds.max);
  if (bounds.min < 0 || most > limits_.max_repeats || (bounds.max != kUnbounded && bounds.max < bounds.min)) {
    const std::string max = bounds.max == kUnbounded ? "" : std::to_string(bounds.max);
    throw Error(ErrorCode::kInvalidRequest, "a repetition is {" + std::to_string(bounds.min) + "," + max + "}; allowed: 0 to " +
                                                std::to_string(limits_.max_repeats) + ", the smaller bound first");
  }
  Expr expr;
  expr.kind = Kind::kRepeat;
  expr.parts = {part};
  expr.bounds = bounds;
  return add(std::move(expr));
}

ExprId Grammar::call(RuleId rule) {
  Expr expr;
  expr.kind = Kind::kRule;
  expr.rule = rule;
  return add(std::move(expr));
}

ExprId Grammar::one_of(std::vector<std::string> strings) {
  std::sort(strings.begin(), strings.end());
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
  return one_of_sorted(strings, 0, strings.size(), 0);
}

/// strings[begin .. end), all equal in their first `skip` bytes, without these.
ExprId Grammar::one_of_sorted(const std::vector<std::string>& strings, size_t begin, size_t end, size_t skip) {
  if (end - begin == 1) return text(std::string_view(strings[begin]).substr(skip));
  std::vector<ExprId> branches;
  while (begin < end) {
    if (strings[begin].size() == skip) {
      branches.push_back(empty());
      ++begin;
      continue;
    }
    const char lead = strings[begin][skip];
    size_t last = begin;
    while (last + 1 < end && strings[last + 1][skip] == lead) ++last;
    const std::string& first = strings[begin];
    size_t common = skip + 1;
    while (common < first.size() && common < strings[last].size() && first[common] == strings[last][common]) ++common;
    const ExprId shared = text(std::string_view(first).substr(skip, common - skip));
    branches.push_back(
        begin == last && common == first.size() ? shared : sequence({shared, one_of_sorted(strings, begin, last + 1, common)}));
    begin = last + 1;
  }
  return choice(std::move(branches));
}

Grammar::RuleId Grammar::add_rule(std::string name) {
  rules_.push_back({std::move(name), 0, false});
  return static_cast<RuleId>(rules_.size() - 1);
}

void Grammar::define(RuleId rule, ExprId body) {
  rules_[rule].body = body;
  rules_[rule].is_defined = true;
}

void check_source_size(std::string_view source, const GrammarLimits& limits) {
  if (source.size() <= limits.max_source_bytes) return;
  throw Error(ErrorCode::kInvalidRequest, "the source is " + std::to_string(source.size()) + " bytes; allowed: at most " +
                                              std::to_string(limits.max_source_bytes));
}

}  // namespace spyhop
