// Numbers between two bounds, as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "grammar/grammar.h"

namespace spyhop {

/// A decimal number: its sign, and digits without superfluous zeros ("0" before the point if need be, "" behind it).
struct Decimal {
  bool is_negative = false;
  std::string whole = "0";
  std::string fraction;

  bool is_zero() const { return whole == "0" && fraction.empty(); }
  /// -1, 0 or 1.
  int compare(const Decimal& other) const;
};

/// Reads a JSON number with at most 19 digits before the point and 20 behind it, its exponent applied; nothing for others.
std::optional<Decimal> parse_decimal(const std::string& text);

struct DecimalBound {
  Decimal value;
  bool is_excluded = false;
};

struct DecimalRange {
  std::optional<DecimalBound> min;
  std::optional<DecimalBound> max;
};

/// Whole numbers of at most 15 digits, or as many as a bound has. Nothing matches an empty range.
Grammar::ExprId add_integer_range(Grammar& grammar, const DecimalRange& range);

/// Numbers without an exponent, with at most that many digits before the point, and behind it at most 15 more than the bounds
/// have.
Grammar::ExprId add_number_range(Grammar& grammar, const DecimalRange& range);

}  // namespace spyhop
