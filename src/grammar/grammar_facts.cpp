#include "grammar/grammar_facts.h"

#include <cstdint>
#include <functional>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;
using Kind = Grammar::Kind;

/// The expressions that each one's truth helps to decide: those it is a part of, and the calls of the rule it is the body of.
std::vector<std::vector<ExprId>> dependents(const Grammar& grammar) {
  std::vector<std::vector<ExprId>> result(grammar.num_exprs());
  for (ExprId id = 0; id < grammar.num_exprs(); ++id) {
    const Grammar::Expr& expr = grammar.expr(id);
    for (const ExprId part : expr.parts) result[part].push_back(id);
    if (expr.kind == Kind::kRule) result[grammar.rules()[expr.rule].body].push_back(id);
  }
  return result;
}

/// The least set of expressions that holds `leaves`, sequences all of whose parts are in it, and all others of which one is.
std::vector<bool> least_set(const Grammar& grammar, const std::vector<std::vector<ExprId>>& dependents,
                            const std::function<bool(const Grammar::Expr&)>& is_leaf) {
  std::vector<size_t> num_missing(grammar.num_exprs());
  std::vector<bool> held(grammar.num_exprs());
  std::vector<ExprId> fresh;
  const auto hold = [&](ExprId id) {
    if (held[id]) return;
    held[id] = true;
    fresh.push_back(id);
  };
  for (ExprId id = 0; id < grammar.num_exprs(); ++id) {
    const Grammar::Expr& expr = grammar.expr(id);
    num_missing[id] = expr.kind == Kind::kSequence ? expr.parts.size() : 1;
    if (is_leaf(expr) || num_missing[id] == 0) hold(id);
  }
  while (!fresh.empty()) {
    const ExprId id = fresh.back();
    fresh.pop_back();
    for (const ExprId dependent : dependents[id]) {
      if (num_missing[dependent] > 0 && --num_missing[dependent] == 0) hold(dependent);
    }
  }
  return held;
}

/// The rules that an expression can call before its first character.
std::vector<Grammar::RuleId> first_calls(const Grammar& grammar, const GrammarFacts& facts, ExprId body) {
  std::vector<Grammar::RuleId> calls;
  std::vector<ExprId> open{body};
  while (!open.empty()) {
    const ExprId id = open.back();
    const Grammar::Expr& expr = grammar.expr(id);
    open.pop_back();
    if (!facts.can_end[id]) continue;
    if (expr.kind == Kind::kRule) calls.push_back(expr.rule);
    for (const ExprId part : expr.parts) {
      if (facts.can_end[part]) open.push_back(part);
      if (expr.kind == Kind::kSequence && !facts.may_be_empty[part]) break;
    }
  }
  return calls;
}

}  // namespace

GrammarFacts find_facts(const Grammar& grammar) {
  const auto helped = dependents(grammar);
  GrammarFacts facts;
  facts.may_be_empty = least_set(grammar, helped, [](const Grammar::Expr& expr) {
    return (expr.kind == Kind::kBytes && expr.bytes.empty()) || (expr.kind == Kind::kRepeat && expr.bounds.min == 0);
  });
  facts.can_end = least_set(grammar, helped, [](const Grammar::Expr& expr) {
    return expr.kind == Kind::kBytes || (expr.kind == Kind::kChars && !expr.chars.empty()) ||
           (expr.kind == Kind::kRepeat && expr.bounds.min == 0);
  });
  return facts;
}

void refuse_left_recursion(const Grammar& grammar, const GrammarFacts& facts) {
  enum class Mark : uint8_t { kNew, kOpen, kDone };
  struct Visit {
    Grammar::RuleId rule;
    std::vector<Grammar::RuleId> calls;
  };
  const auto& rules = grammar.rules();
  std::vector<Mark> marks(rules.size());
  std::vector<Visit> path;
  const auto enter = [&](Grammar::RuleId rule) {
    marks[rule] = Mark::kOpen;
    path.push_back({rule, first_calls(grammar, facts, rules[rule].body)});
  };
  for (Grammar::RuleId first = 0; first < rules.size(); ++first) {
    if (marks[first] == Mark::kNew) enter(first);
    while (!path.empty()) {
      if (path.back().calls.empty()) {
        marks[path.back().rule] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const Grammar::RuleId next = path.back().calls.back();
      path.back().calls.pop_back();
      if (marks[next] == Mark::kNew) {
        enter(next);
      } else if (marks[next] == Mark::kOpen) {
        throw Error(ErrorCode::kInvalidRequest, "rule \"" + rules[next].name + "\" can call itself before any character");
      }
    }
  }
}

}  // namespace spyhop
