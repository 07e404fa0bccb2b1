// What several sets of texts have in common.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/regex.h"

namespace spyhop {

/// The texts of a grammar, in which a rule calls itself at its end alone; or all others.
struct TextSet {
  const Grammar* grammar = nullptr;
  bool is_inverted = false;
};

/// A set of texts, as what reading one goes through.
struct TextStates {
  struct Step {
    CharSet chars;
    size_t to = 0;
  };
  struct State {
    std::vector<Step> steps;  // no two share a character
    bool may_end = false;
  };

  std::vector<State> states;  // each on the way to an end; the first is where texts begin; none: there are no texts
};

/// The texts of `lengths` characters that are in every set; nothing where that takes too many states or steps to tell.
/// Throws Error{kInvalidRequest} as make_network does.
std::optional<TextStates> common_texts(const std::vector<TextSet>& sets, const TextLengths& lengths = {});

/// Adds these texts, of which there is one at least. `write_char`: as in RegexOptions.
Grammar::ExprId add_texts(Grammar& grammar, const TextStates& texts, const WriteChar& write_char = {});

}  // namespace spyhop
