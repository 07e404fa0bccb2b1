// What holds for the expressions of a grammar as a whole.
#pragma once

#include <vector>

#include "grammar/grammar.h"

namespace spyhop {

/// By expression. Linear in the grammar's size.
struct GrammarFacts {
  std::vector<bool> may_be_empty;  // the empty text matches
  std::vector<bool> can_end;       // some text matches
};

/// Every rule must be defined.
GrammarFacts find_facts(const Grammar& grammar);

/// Throws Error{kInvalidRequest} naming a rule that can call itself before any character.
void refuse_left_recursion(const Grammar& grammar, const GrammarFacts& facts);

}  // namespace spyhop
