// Grammars in llama.cpp's notation.
#pragma once

#include <string_view>

#include "grammar/grammar.h"

namespace spyhop {

/// Reads GBNF: rules `name ::= expression`, of which "root" is the answer; names of letters, digits, "-" and "_"; texts in
/// double or single quotes; classes [a-z^...], . for any character; groups in parentheses; alternatives behind |; the
/// repetitions
/// * + ? {m} {m,} {m,n}; comments from # to the end of the line. Escapes are those of n, r, t, xHH, uHHHH, UHHHHHHHH, quotes,
/// brackets, - and the backslash. A rule ends where the next begins, so that line ends mean nothing.
/// Source: grammars/README.md of llama.cpp.
/// Throws Error{kInvalidRequest} naming the position or the rule, if it is undefined, defined twice, or (by make_network) left
/// recursive.
Grammar parse_gbnf(std::string_view source, const GrammarLimits& limits = {});

}  // namespace spyhop
