// Regular expressions.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>

#include "grammar/grammar.h"

namespace spyhop {

/// How the ends of a pattern are meant.
enum class RegexMatch {
  kWhole,   // the pattern is the whole text; ^ at its beginning and $ at its end change nothing
  kSearch,  // the pattern is somewhere in the text, as in JSON schemas, unless ^ and $ hold it to the ends
};

/// How one character of a set is written; absent: as it is.
using WriteChar = std::function<Grammar::ExprId(const CharSet&)>;

struct RegexOptions {
  RegexMatch match = RegexMatch::kWhole;
  WriteChar write_char;
};

/// Numbers of characters.
struct TextLengths {
  static constexpr int64_t kNoLimit = std::numeric_limits<int32_t>::max();

  int64_t min = 0;
  int64_t max = kNoLimit;
};

struct Regex {
  Grammar::ExprId expr = 0;
  TextLengths lengths;  // of what matches
};

/// Adds `pattern` (UTF-8) to `grammar`. The dialect is what JavaScript, Python and RE2 have in common, over characters: . (all
/// but a line feed), classes with ranges and ^, groups (also (?:...) and named ones), |, * + ? {m} {m,} {m,n} (a ? after them,
/// which changes nothing of what matches, is ignored), \d \w \s (ASCII) and \D \W \S, \t \n \r \f \v \0, \xHH, \uHHHH, \u{H...}
/// and any punctuation escaped; ^ and $ at the ends of the pattern or of its alternatives. Throws Error{kInvalidRequest} naming
/// the position for everything else: backreferences, lookaround, \b, flags, \p.
Regex add_regex(Grammar& grammar, std::string_view pattern, const RegexOptions& options = {});

}  // namespace spyhop
