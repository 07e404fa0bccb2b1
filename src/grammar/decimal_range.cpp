#include "grammar/decimal_range.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;

constexpr int kMaxDigits = 15;  // so many are exact in a double
constexpr size_t kMaxWhole = 19;
constexpr size_t kMaxFraction = 20;

int compare_magnitudes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  const int order = whole != 0 ? whole : a.fraction.compare(b.fraction);  // a fraction's digits sort like text
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

std::string_view without_zeros_behind(std::string_view digits) {
  while (!digits.empty() && digits.back() == '0') digits.remove_suffix(1);
  return digits;
}

/// "123" + 1 or - 1, for whole numbers that stay at least 0.
std::string neighbour(std::string digits, int step) {
  size_t i = digits.size();
  const char from = step > 0 ? '9' : '0';
  while (i > 0 && digits[i - 1] == from) digits[--i] = step > 0 ? '0' : '9';
  if (i == 0) return '1' + digits;
  digits[i - 1] = static_cast<char>(digits[i - 1] + step);
  return digits.size() > 1 && digits[0] == '0' ? digits.substr(1) : digits;
}

/// Magnitudes from `min` to `max`, or without end.
struct Magnitudes {
  DecimalBound min;
  std::optional<DecimalBound> max;
};

class RangeWriter {
 public:
  explicit RangeWriter(Grammar& grammar) : grammar_(grammar) {}

  ExprId nothing() { return grammar_.choice({}); }

  /// Whole numbers from `min` to `max`, both of them numbers without a sign.
  ExprId whole(const std::string& min, const std::string& max) {
    if (min.size() > max.size() || (min.size() == max.size() && min > max)) return nothing();
    std::vector<ExprId> parts;
    for (size_t length = min.size(); length <= max.size(); ++length) {
      const std::string least = length == min.size() ? min : "1" + std::string(length - 1, '0');
      const std::string most = length == max.size() ? max : std::string(length, '9');
      parts.push_back(same_length(least, most));
    }
    return grammar_.choice(std::move(parts));
  }

  ExprId numbers(const Magnitudes& range) {
    const auto& [min, max] = range;
    if (!max) {
      const std::string most(std::max<size_t>(kMaxDigits, min.value.whole.size()), '9');
      return grammar_.choice({first_whole(min), join(whole(neighbour(min.value.whole, 1), most), any_fraction())});
    }
    if (compare_magnitudes(min.value, max->value) > 0) return nothing();
    if (min.value.whole == max->value.whole) return join(grammar_.text(min.value.whole), fraction_between(min, *max));
    const ExprId between =
        max->value.whole == "0" ? nothing() : whole(neighbour(min.value.whole, 1), neighbour(max->value.whole, -1));
    return grammar_.choice({first_whole(min), join(between, any_fraction()), last_whole(*max)});
  }

 private:
  ExprId join(ExprId first, ExprId second) { return grammar_.sequence({first, second}); }

  ExprId digit(char first, char last) { return grammar_.chars({{static_cast<char32_t>(first), static_cast<char32_t>(last)}}); }

  ExprId digits(int min, int max) { return grammar_.repeat(digit('0', '9'), {min, max}); }

  ExprId digits(size_t count) { return digits(static_cast<int>(count), static_cast<int>(count)); }

  ExprId same_length(std::string_view min, std::string_view max) {
    size_t same = 0;
    while (same < min.size() && min[same] == max[same]) ++same;
    const ExprId begin = grammar_.text(min.substr(0, same));
    if (same == min.size()) return begin;
    const char low = min[same];
    const char high = max[same];
    const size_t left = min.size() - same - 1;
    std::vector<ExprId> parts{join(digit(low, low), at_least(min.substr(same + 1)))};
    if (high - low > 1) parts.push_back(join(digit(static_cast<char>(low + 1), static_cast<char>(high - 1)), digits(left)));
    parts.push_back(join(digit(high, high), at_most(max.substr(same + 1))));
    return join(begin, grammar_.choice(std::move(parts)));
  }

  /// As many digits as `least` has.
  ExprId at_least(std::string_view least) {
    if (without_zeros_behind(least).empty()) return digits(least.size());
    std::vector<ExprId> parts{join(digit(least[0], least[0]), at_least(least.substr(1)))};
    if (least[0] < '9') parts.push_back(join(digit(static_cast<char>(least[0] + 1), '9'), digits(least.size() - 1)));
    return grammar_.choice(std::move(parts));
  }

  ExprId at_most(std::string_view most) {
    if (most.empty()) return grammar_.empty();
    std::vector<ExprId> parts{join(digit(most[0], most[0]), at_most(most.substr(1)))};
    if (most[0] > '0') parts.push_back(join(digit('0', static_cast<char>(most[0] - 1)), digits(most.size() - 1)));
    return grammar_.choice(std::move(parts));
  }

  ExprId any_fraction() { return grammar_.optional(join(grammar_.text("."), digits(1, kMaxDigits))); }

  ExprId first_whole(const DecimalBound& min) {
    const ExprId begin = grammar_.text(min.value.whole);
    if (min.value.fraction.empty() && !min.is_excluded) return join(begin, any_fraction());
    return grammar_.sequence({begin, grammar_.text("."), fraction_at_least(min.value.fraction, min.is_excluded)});
  }

  ExprId last_whole(const DecimalBound& max) {
    const ExprId begin = grammar_.text(max.value.whole);
    if (max.value.fraction.empty() && max.is_excluded) return nothing();
    const ExprId point = grammar_.text(".");
    const ExprId fraction = max.value.fraction.empty() ? zeros(1) : fraction_at_most(max.value.fraction, max.is_excluded);
    return join(begin, grammar_.optional(join(point, fraction)));
  }

  ExprId zeros(int min) { return grammar_.repeat(digit('0', '0'), {min, kMaxDigits}); }

  /// Digits behind a point, further ones understood as zeros.
  ExprId fraction_at_least(std::string_view least, bool is_excluded) {
    least = without_zeros_behind(least);
    if (least.empty() && !is_excluded) return digits(0, kMaxDigits);
    if (least.empty()) return grammar_.sequence({zeros(0), digit('1', '9'), digits(0, kMaxDigits)});
    std::vector<ExprId> parts{join(digit(least[0], least[0]), fraction_at_least(least.substr(1), is_excluded))};
    if (least[0] < '9') parts.push_back(join(digit(static_cast<char>(least[0] + 1), '9'), digits(0, kMaxDigits)));
    return grammar_.choice(std::move(parts));
  }

  /// `most` is not all zeros.
  ExprId fraction_at_most(std::string_view most, bool is_excluded) {
    most = without_zeros_behind(most);
    std::vector<ExprId> parts;
    if (most[0] > '0') parts.push_back(join(digit('0', static_cast<char>(most[0] - 1)), digits(0, kMaxDigits)));
    const ExprId same = digit(most[0], most[0]);
    const std::string_view rest = without_zeros_behind(most.substr(1));
    if (!rest.empty()) {
      parts.push_back(join(same, grammar_.optional(fraction_at_most(rest, is_excluded))));
    } else if (!is_excluded) {
      parts.push_back(join(same, zeros(0)));
    }
    return grammar_.choice(std::move(parts));
  }

  /// What follows a whole number that both bounds have: a point and digits, or nothing.
  ExprId fraction_between(const DecimalBound& min, const DecimalBound& max) {
    std::string low = min.value.fraction;
    std::string high = max.value.fraction;
    const bool is_one = low == high;
    if (is_one && (min.is_excluded || max.is_excluded)) return nothing();
    const size_t length = std::max({low.size(), high.size(), size_t{1}});
    low.resize(length, '0');
    high.resize(length, '0');
    const ExprId behind =
        join(grammar_.text("."), is_one ? one_fraction(low) : digits_between({low, high, min.is_excluded, max.is_excluded}));
    const bool may_be_whole = min.value.fraction.empty() && !min.is_excluded;
    return may_be_whole ? grammar_.optional(behind) : behind;
  }

  ExprId one_fraction(std::string_view digits_of) {
    const std::string_view needed = without_zeros_behind(digits_of);
    return join(grammar_.text(needed), zeros(needed.empty() ? 1 : 0));
  }

  struct DigitsBetween {
    std::string_view low;  // the two differ, and have the same length
    std::string_view high;
    bool is_low_excluded;
    bool is_high_excluded;
  };

  ExprId digits_between(const DigitsBetween& range) {
    const char low = range.low[0];
    const char high = range.high[0];
    const std::string_view low_rest = range.low.substr(1);
    const std::string_view high_rest = range.high.substr(1);
    const ExprId same = digit(low, low);
    if (low == high) {
      ExprId rest = digits_between({low_rest, high_rest, range.is_low_excluded, range.is_high_excluded});
      if (without_zeros_behind(low_rest).empty() && !range.is_low_excluded) rest = grammar_.optional(rest);
      return join(same, rest);
    }
    std::vector<ExprId> parts{join(same, fraction_at_least(low_rest, range.is_low_excluded))};
    if (high - low > 1) {
      parts.push_back(join(digit(static_cast<char>(low + 1), static_cast<char>(high - 1)), digits(0, kMaxDigits)));
    }
    const ExprId top = digit(high, high);
    if (!without_zeros_behind(high_rest).empty()) {
      parts.push_back(join(top, grammar_.optional(fraction_at_most(high_rest, range.is_high_excluded))));
    } else if (!range.is_high_excluded) {
      parts.push_back(join(top, zeros(0)));
    }
    return grammar_.choice(std::move(parts));
  }

  Grammar& grammar_;
};

Decimal magnitude(Decimal value) {
  value.is_negative = false;
  return value;
}

/// The whole numbers of a range: bounds that are whole and included.
DecimalRange whole_range(const DecimalRange& range) {
  DecimalRange result;
  const auto tighten = [](const DecimalBound& bound, bool is_min) {
    const Decimal& value = bound.value;
    const bool is_whole = value.fraction.empty();
    Decimal tight{value.is_negative, value.whole, {}};
    const bool goes_out = is_min != value.is_negative;  // to a greater magnitude
    if (is_whole ? bound.is_excluded : goes_out) {
      if (is_whole && value.is_zero()) return DecimalBound{Decimal{!is_min, "1", {}}};
      tight.whole = neighbour(tight.whole, goes_out ? 1 : -1);
    }
    if (tight.is_zero()) tight.is_negative = false;
    return DecimalBound{tight};
  };
  if (range.min) result.min = tighten(*range.min, true);
  if (range.max) result.max = tighten(*range.max, false);
  return result;
}

/// The parts of a range on either side of zero; zero itself is positive.
template <typename Write>
ExprId both_signs(Grammar& grammar, const DecimalRange& range, const Write& write) {
  std::vector<ExprId> parts;
  const bool has_positive = !range.max || !range.max->value.is_negative;
  const bool has_negative = !range.min || (range.min->value.is_negative && !range.min->value.is_zero());
  if (has_positive) {
    Magnitudes positive{range.min && !range.min->value.is_negative ? *range.min : DecimalBound{}, range.max};
    parts.push_back(write(positive));
  }
  if (has_negative) {
    Magnitudes negative{{Decimal{}, true}, {}};
    if (range.max && range.max->value.is_negative) negative.min = {magnitude(range.max->value), range.max->is_excluded};
    if (range.min) negative.max = DecimalBound{magnitude(range.min->value), range.min->is_excluded};
    parts.push_back(grammar.sequence({grammar.text("-"), write(negative)}));
  }
  return grammar.choice(std::move(parts));
}

}  // namespace

int Decimal::compare(const Decimal& other) const {
  if (is_negative != other.is_negative) return is_negative ? -1 : 1;
  const int order = compare_magnitudes(*this, other);
  return is_negative ? -order : order;
}

std::optional<Decimal> parse_decimal(const std::string& text) {
  Decimal result;
  const bool has_sign = !text.empty() && text[0] == '-';
  const size_t exponent_at = text.find_first_of("eE");
  const std::string mantissa =
      text.substr(has_sign ? 1 : 0, exponent_at == std::string::npos ? exponent_at : exponent_at - (has_sign ? 1 : 0));
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits = mantissa.substr(0, point) + (point < mantissa.size() ? mantissa.substr(point + 1) : "");
  int shift = static_cast<int>(point);
  if (exponent_at != std::string::npos) shift += std::clamp(std::atoi(text.c_str() + exponent_at + 1), -1000, 1000);
  if (shift < 0) digits.insert(0, static_cast<size_t>(-shift), '0');
  shift = std::max(shift, 0);
  if (digits.size() < static_cast<size_t>(shift)) digits.resize(static_cast<size_t>(shift), '0');
  const size_t first = std::min(digits.find_first_not_of('0'), static_cast<size_t>(shift));
  result.whole = digits.substr(first, static_cast<size_t>(shift) - first);
  if (result.whole.empty()) result.whole = "0";
  result.fraction = without_zeros_behind(std::string_view(digits).substr(static_cast<size_t>(shift)));
  if (result.whole.size() > kMaxWhole || result.fraction.size() > kMaxFraction) return std::nullopt;
  result.is_negative = has_sign && !result.is_zero();
  return result;
}

ExprId add_integer_range(Grammar& grammar, const DecimalRange& range) {
  RangeWriter writer(grammar);
  return both_signs(grammar, whole_range(range), [&](const Magnitudes& part) {
    std::string least = part.min.value.whole;
    if (part.min.is_excluded && least == "0") least = "1";
    const std::string most(std::max<size_t>(kMaxDigits, least.size()), '9');
    return writer.whole(least, part.max ? part.max->value.whole : most);
  });
}

ExprId add_number_range(Grammar& grammar, const DecimalRange& range) {
  RangeWriter writer(grammar);
  return both_signs(grammar, range, [&](const Magnitudes& part) { return writer.numbers(part); });
}

}  // namespace spyhop
