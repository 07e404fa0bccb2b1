#include "grammar/multiples.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;
using RuleId = Grammar::RuleId;

constexpr size_t kMaxPlaces = 6;
constexpr int kMaxModulus = 1000;

class MultiplesWriter {
 public:
  /// The multiples of modulus / 10^places.
  MultiplesWriter(Grammar& grammar, int modulus, size_t places) : grammar_(grammar), modulus_(modulus), places_(places) {
    for (size_t place = 0; place <= places; ++place) {
      for (int remainder = 0; remainder < modulus; ++remainder) rules_.push_back(grammar.add_rule("digits"));
    }
  }

  /// Digits with or without a point. `rule_of(p, r)` reads on where the digits so far, p of them behind the point, leave r.
  ExprId write() {
    for (size_t place = 0; place <= places_; ++place) {
      for (int remainder = 0; remainder < modulus_; ++remainder)
        grammar_.define(rule_of(place, remainder), rest(place, remainder));
    }
    return digit_then(0, 0);
  }

 private:
  RuleId rule_of(size_t place, int remainder) const {
    return rules_[place * static_cast<size_t>(modulus_) + static_cast<size_t>(remainder)];
  }

  ExprId rest(size_t place, int remainder) {
    std::vector<ExprId> ways;
    if (is_multiple(place, remainder)) ways.push_back(grammar_.empty());
    if (place == 0) {
      ways.push_back(digit_then(0, remainder));
      if (places_ > 0) ways.push_back(grammar_.sequence({grammar_.chars({{'.', '.'}}), digit_then(1, remainder)}));
    } else if (place < places_) {
      ways.push_back(digit_then(place + 1, remainder));
    }
    return grammar_.choice(std::move(ways));
  }

  /// Whether the number is one, with zeros in the places that are left.
  bool is_multiple(size_t place, int remainder) const {
    for (; place < places_; ++place) remainder = remainder * 10 % modulus_;
    return remainder == 0;
  }

  ExprId digit_then(size_t place, int remainder) {
    std::map<int, std::vector<CharRange>> digits;
    for (int digit = 0; digit < 10; ++digit) {
      const auto character = static_cast<char32_t>('0' + digit);
      digits[(remainder * 10 + digit) % modulus_].push_back({character, character});
    }
    std::vector<ExprId> ways;
    for (auto& [next, ranges] : digits) {
      ways.push_back(grammar_.sequence({grammar_.chars(CharSet(std::move(ranges))), grammar_.call(rule_of(place, next))}));
    }
    return grammar_.choice(std::move(ways));
  }

  Grammar& grammar_;
  int modulus_;
  size_t places_;
  std::vector<RuleId> rules_;
};

}  // namespace

Grammar multiples_grammar(const Decimal& step, const GrammarLimits& limits) {
  const std::string digits = step.whole + step.fraction;
  const size_t places = step.fraction.size();
  const int64_t modulus = digits.size() > 15 ? 0 : std::stoll(digits);
  if (step.is_negative || modulus <= 0 || modulus > kMaxModulus || places > kMaxPlaces) {
    throw Error(ErrorCode::kInvalidRequest, "allowed: positive numbers of at most 1000 without the point, and " +
                                                std::to_string(kMaxPlaces) + " digits behind it");
  }
  Grammar grammar(limits);
  const RuleId root = grammar.add_rule("root");
  MultiplesWriter writer(grammar, static_cast<int>(modulus), places);
  const ExprId sign = grammar.optional(grammar.chars({{'-', '-'}}));
  grammar.define(root, grammar.sequence({sign, writer.write()}));
  return grammar;
}

}  // namespace spyhop
