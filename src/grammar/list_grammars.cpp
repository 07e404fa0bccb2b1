#include "grammar/list_grammars.h"

#include <algorithm>

#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxChoices = 1000;

}  // namespace

Grammar box_list_grammar(int max_boxes) {
  Grammar grammar;
  const Grammar::RuleId root = grammar.add_rule("root");
  const auto more_digits = grammar.repeat(grammar.chars({{'0', '9'}}), {0, 2});
  const auto number = grammar.choice({grammar.text("0"), grammar.sequence({grammar.chars({{'1', '9'}}), more_digits})});
  const auto comma = grammar.text(", ");
  const auto box =
      grammar.sequence({grammar.text("["), number, comma, number, comma, number, comma, number, grammar.text("]")});
  const auto more = grammar.repeat(grammar.sequence({comma, box}), {0, max_boxes - 1});
  grammar.define(root, grammar.sequence({grammar.text("["), box, more, grammar.text("]")}));
  return grammar;
}

Grammar choice_grammar(const std::vector<std::string>& choices) {
  if (choices.empty() || choices.size() > kMaxChoices) {
    throw Error(ErrorCode::kInvalidRequest,
                "there are " + std::to_string(choices.size()) + " choices; allowed: 1 to " + std::to_string(kMaxChoices));
  }
  Grammar grammar;
  size_t num_bytes = 0;
  for (const std::string& choice : choices) {
    num_bytes += choice.size();
    if (choice.empty() || !is_valid_utf8(choice)) {
      throw Error(ErrorCode::kInvalidRequest, "a choice is empty or not UTF-8; allowed: texts of at least one character");
    }
  }
  if (num_bytes > grammar.limits().max_source_bytes) {
    throw Error(ErrorCode::kInvalidRequest, "the choices are " + std::to_string(num_bytes) + " bytes; allowed: at most " +
                                                std::to_string(grammar.limits().max_source_bytes) + " together");
  }
  const Grammar::RuleId root = grammar.add_rule("root");
  grammar.define(root, grammar.one_of(choices));
  return grammar;
}

}  // namespace spyhop
