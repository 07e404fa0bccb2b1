// Patterns, alone and in strings of so many characters: the first three bytes tell which.
#include <algorithm>
#include <string>

#include "common/utf8.h"
#include "follow_grammar.h"
#include "grammar/text_conditions.h"

namespace {

using spyhop::Grammar;
using spyhop::RegexMatch;
using spyhop::TextConditions;
using spyhop::TextLengths;
using spyhop::fuzz::check;

Grammar grammar_of(const std::string& pattern, RegexMatch match, const TextLengths& lengths) {
  TextConditions conditions;
  conditions.add_pattern(pattern, match);
  conditions.limit(lengths);
  Grammar grammar;
  const Grammar::RuleId root = grammar.add_rule("root");
  grammar.define(root, conditions.write(grammar));
  return grammar;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const RegexMatch match = data[0] % 2 == 0 ? RegexMatch::kWhole : RegexMatch::kSearch;
  const TextLengths lengths{data[1] % 32, data[2] < 128 ? data[2] : TextLengths::kNoLimit};
  const std::string pattern(reinterpret_cast<const char*>(data) + 3, size - 3);
  spyhop::fuzz::follow([&] { return grammar_of(pattern, match, lengths); },
                       [&](const std::string& answer) {
                         check(spyhop::is_valid_utf8(answer), "an answer is UTF-8");
                         const auto count =
                             std::count_if(answer.begin(), answer.end(), [](char c) { return (c & 0xC0) != 0x80; });
                         check(count >= lengths.min && count <= lengths.max, "an answer has as many characters as it must");
                       });
  return 0;
}
