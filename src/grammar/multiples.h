// Multiples of a number, as text.
#pragma once

#include "grammar/decimal_range.h"
#include "grammar/grammar.h"

namespace spyhop {

/// Decimal numbers of any length, with a sign or not, that are multiples of `step`, which is positive: by the remainder that
/// the digits so far leave. Throws Error{kInvalidRequest} when it is more than 1000 without its
/// point, or has more than 6 digits behind that.
Grammar multiples_grammar(const Decimal& step, const GrammarLimits& limits = {});

}  // namespace spyhop
