// Small grammars: lists of boxes, choices.
#pragma once

#include "grammar/grammar.h"

namespace spyhop {

/// "[[x1, y1, x2, y2], [x1, y1, x2, y2]]" with one to `max_boxes` boxes of whole numbers from 0 to 999, spaced as the reference
/// writes them. Source: reference deepseek_vl2 README, <|det|>[[x1, y1, x2, y2], ...]<|/det|>.
Grammar box_list_grammar(int max_boxes);

/// One of some texts. Throws Error{kInvalidRequest} for none, for an empty one, and for more than 1,000.
Grammar choice_grammar(const std::vector<std::string>& choices);

}  // namespace spyhop
