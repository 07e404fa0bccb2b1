#include "grammar/text_conditions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "grammar/common_texts.h"
#include "grammar/sized_texts.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;

constexpr size_t kMaxConditions = 10;
constexpr size_t kMaxWrittenStates = 2000;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidRequest, what);
}

/// The parts of a pattern, as far as their brackets tell.
class PatternScan {
 public:
  explicit PatternScan(std::string_view pattern) : pattern_(pattern) {}

  /// Behind the bracket that closes what the pattern begins with; nothing if there is none.
  std::optional<size_t> end_of_group() {
    for (int depth = 0; at_ < pattern_.size();) {
      const char sign = step();
      depth += sign == '(' ? 1 : sign == ')' ? -1 : 0;
      if (depth == 0) return at_;
    }
    return std::nullopt;
  }

  bool has_alternatives() {
    for (int depth = 0; at_ < pattern_.size();) {
      const char sign = step();
      depth += sign == '(' ? 1 : sign == ')' ? -1 : 0;
      if (depth == 0 && sign == '|') return true;
    }
    return false;
  }

 private:
  /// A bracket, a bar, or something that is neither.
  char step() {
    const char sign = pattern_[at_++];
    if (sign == '\\') {
      ++at_;
    } else if (sign == '[') {
      while (at_ < pattern_.size() && pattern_[at_] != ']') at_ += pattern_[at_] == '\\' ? 2 : 1;
      ++at_;
    }
    at_ = std::min(at_, pattern_.size());
    return sign;
  }

  std::string_view pattern_;
  size_t at_ = 0;
};

bool has_alternatives(std::string_view pattern) {
  return PatternScan(pattern).has_alternatives();
}

}  // namespace

void TextConditions::add_pattern(std::string_view pattern, RegexMatch match) {
  std::string_view rest = pattern;
  const bool is_held = !rest.empty() && rest[0] == '^';
  if (is_held) rest.remove_prefix(1);
  std::vector<Condition> ahead;
  while (rest.substr(0, 3) == "(?=" || rest.substr(0, 3) == "(?!") {
    const std::optional<size_t> end = PatternScan(rest).end_of_group();
    if (!end) break;
    const std::string inside(rest.substr(3, *end - 4));
    const std::string begin = inside.substr(0, 1) == "^" ? "" : "^";  // there already
    Condition condition;
    condition.pattern = has_alternatives(inside) ? "^(?:" + inside + ")" : begin + inside;
    condition.match = RegexMatch::kSearch;
    condition.is_inverted = rest[2] == '!';
    ahead.push_back(std::move(condition));
    rest.remove_prefix(*end);
  }
  Condition last;
  last.match = match;
  last.pattern = pattern;
  const bool is_at_beginning = is_held || match == RegexMatch::kWhole;
  if (is_at_beginning && !has_alternatives(rest)) {
    last.pattern = (is_held ? "^" : "") + std::string(rest);
    for (Condition& condition : ahead) add(std::move(condition));
  }
  add(std::move(last));
}

void TextConditions::add(Condition condition) {
  if (conditions_.size() == kMaxConditions) refuse("there are more than " + std::to_string(kMaxConditions) + " patterns");
  condition.grammar = Grammar(limits_);
  const Grammar::RuleId root = condition.grammar.add_rule("root");
  RegexOptions options;
  options.match = condition.match;
  const Regex regex = add_regex(condition.grammar, condition.pattern, options);
  condition.grammar.define(root, regex.expr);
  condition.lengths = regex.lengths;
  conditions_.push_back(std::move(condition));
}

/// Whether all texts that the others allow fulfil it, too.
bool TextConditions::is_implied(size_t index, const std::vector<const Condition*>& conditions) {
  std::vector<TextSet> sets;
  for (size_t i = 0; i < conditions.size(); ++i) {
    sets.push_back({&conditions[i]->grammar, conditions[i]->is_inverted != (i == index)});
  }
  const std::optional<TextStates> against = common_texts(sets);
  return against && against->states.empty();
}

std::vector<const TextConditions::Condition*> TextConditions::needed() const {
  std::vector<const Condition*> conditions;
  for (const Condition& condition : conditions_) conditions.push_back(&condition);
  for (size_t i = 0; i < conditions.size() && conditions.size() > 1;) {
    if (is_implied(i, conditions)) {
      conditions.erase(conditions.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return conditions;
}

ExprId TextConditions::write(Grammar& grammar, const WriteChar& write_char) const {
  const std::vector<const Condition*> conditions = needed();
  const Condition& first = *conditions[0];
  const bool is_single = conditions.size() == 1 && !first.is_inverted;
  if (is_single && first.lengths.min >= lengths_.min && first.lengths.max <= lengths_.max) {
    RegexOptions options;
    options.match = first.match;
    options.write_char = write_char;
    return add_regex(grammar, first.pattern, options).expr;
  }
  SizedTexts sized(first.grammar, grammar, write_char);
  if (is_single) {
    if (const std::optional<ExprId> all = sized.write(lengths_, SizedTexts::Kind::kAll)) return *all;
  }
  std::vector<TextSet> sets;
  for (const Condition* condition : conditions) sets.push_back({&condition->grammar, condition->is_inverted});
  const std::optional<TextStates> texts = common_texts(sets, lengths_);
  if (texts && texts->states.empty()) refuse("no text matches");
  if (texts && texts->states.size() <= kMaxWrittenStates) return add_texts(grammar, *texts, write_char);
  if (is_single) {
    if (const std::optional<ExprId> some = sized.write(lengths_, SizedTexts::Kind::kSome)) return *some;
  }
  refuse("the pattern is too complex together with other patterns or lengths");
}

Grammar pattern_grammar(std::string_view pattern, const GrammarLimits& limits) {
  TextConditions conditions(limits);
  conditions.add_pattern(pattern, RegexMatch::kWhole);
  Grammar grammar(limits);
  const Grammar::RuleId root = grammar.add_rule("root");
  grammar.define(root, conditions.write(grammar));
  return grammar;
}

}  // namespace spyhop
