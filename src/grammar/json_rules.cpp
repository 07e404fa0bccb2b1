#include "grammar/json_rules.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/utf8.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;

constexpr int kMaxIndent = 20;
constexpr int kMaxDigits = 15;  // so many are exact in a double

const CharSet& plain_chars() {
  static const CharSet set = CharSet{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}.inverted();
  return set;
}

std::string escaped(char32_t character) {
  const std::string quoted = nlohmann::json(encode_utf8(character)).dump();
  return quoted.substr(1, quoted.size() - 2);
}

std::string quoted_text(std::string_view text) {
  return nlohmann::json(text).dump();
}

}  // namespace

/// A rule of that name, made when it is first asked for; it may call itself.
template <typename Make>
ExprId JsonRules::rule(const char* name, const Make& make) {
  const auto known = rules_.find(name);
  if (known != rules_.end()) return grammar_.call(known->second);
  const Grammar::RuleId id = grammar_.add_rule(name);
  rules_[name] = id;
  grammar_.define(id, make());
  return grammar_.call(id);
}

ExprId JsonRules::value() {
  return rule("json value", [&] {
    return grammar_.choice({object(), array(), string(), number(), grammar_.one_of({"true", "false", "null"})});
  });
}

ExprId JsonRules::object() {
  return rule("json object", [&] {
    const ExprId pair = grammar_.sequence({any_key(), value()});
    return grammar_.sequence({grammar_.text("{"), space(), list(pair, {0, kUnbounded}), grammar_.text("}")});
  });
}

ExprId JsonRules::array() {
  return rule("json array", [&] {
    return grammar_.sequence({grammar_.text("["), space(), list(value(), {0, kUnbounded}), grammar_.text("]")});
  });
}

ExprId JsonRules::list(ExprId item, const RepeatBounds& count) {
  if (count.max == 0) return grammar_.empty();
  const ExprId next = grammar_.sequence({grammar_.text(","), space(), item});
  const int most = count.max == kUnbounded ? kUnbounded : count.max - 1;
  const ExprId all = grammar_.sequence({item, grammar_.repeat(next, {std::max(count.min - 1, 0), most}), space()});
  return count.min == 0 ? grammar_.optional(all) : all;
}

ExprId JsonRules::string(const RepeatBounds& lengths) {
  const auto make = [&] { return quoted(grammar_.repeat(any_string_char(), lengths)); };
  const bool is_any = lengths.min == 0 && lengths.max == kUnbounded;
  return is_any ? rule("json string", make) : make();
}

ExprId JsonRules::any_string_char() {
  const ExprId escape = grammar_.sequence(
      {grammar_.text("\\"), grammar_.choice({grammar_.one_of({"\"", "\\", "/", "b", "f", "n", "r", "t"}), unicode_escape()})});
  return grammar_.choice({grammar_.chars(plain_chars()), escape});
}

/// What follows a backslash: a code unit that is no surrogate, or a pair of these.
ExprId JsonRules::unicode_escape() {
  const ExprId hex = grammar_.chars({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
  const ExprId d = grammar_.chars({{'D', 'D'}, {'d', 'd'}});
  const ExprId two = grammar_.sequence({hex, hex});
  const ExprId plain = grammar_.choice(
      {grammar_.sequence({grammar_.chars({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}}), hex, two}),
       grammar_.sequence({d, grammar_.chars({{'0', '7'}}), two})});
  const ExprId high = grammar_.sequence({d, grammar_.chars({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}), two});
  const ExprId low = grammar_.sequence({d, grammar_.chars({{'C', 'F'}, {'c', 'f'}}), two});
  const ExprId pair = grammar_.sequence({high, grammar_.text("\\u"), low});
  return grammar_.sequence({grammar_.text("u"), grammar_.choice({plain, pair})});
}

ExprId JsonRules::string_char(const CharSet& set) {
  std::vector<ExprId> parts{grammar_.chars(set.intersected(plain_chars()))};
  std::vector<std::string> escapes;
  const CharSet special = set.without(plain_chars());
  for (const CharRange& range : special.ranges()) {
    for (char32_t character = range.first; character <= range.last; ++character) escapes.push_back(escaped(character));
  }
  if (!escapes.empty()) parts.push_back(grammar_.one_of(std::move(escapes)));
  return grammar_.choice(std::move(parts));
}

ExprId JsonRules::digits(int min, int max) {
  return grammar_.repeat(grammar_.chars({{'0', '9'}}), {min, max});
}

ExprId JsonRules::integer() {
  return rule("json integer", [&] {
    const ExprId more = grammar_.sequence({grammar_.chars({{'1', '9'}}), digits(0, kMaxDigits - 1)});
    return grammar_.choice({grammar_.text("0"), grammar_.sequence({grammar_.optional(grammar_.text("-")), more})});
  });
}

ExprId JsonRules::number() {
  return rule("json number", [&] {
    const ExprId more = grammar_.sequence({grammar_.chars({{'1', '9'}}), digits(0, kMaxDigits - 1)});
    const ExprId fraction = grammar_.sequence({grammar_.text("."), digits(1, kMaxDigits)});
    const ExprId exponent = grammar_.sequence(
        {grammar_.chars({{'E', 'E'}, {'e', 'e'}}), grammar_.optional(grammar_.chars({{'+', '+'}, {'-', '-'}})), digits(1, 2)});
    return grammar_.sequence({grammar_.optional(grammar_.text("-")), grammar_.choice({grammar_.text("0"), more}),
                              grammar_.optional(fraction), grammar_.optional(exponent)});
  });
}

ExprId JsonRules::colon() {
  return grammar_.sequence({grammar_.text(":"), grammar_.optional(grammar_.text(" "))});
}

ExprId JsonRules::key(std::string_view name) {
  return grammar_.sequence({grammar_.text(quoted_text(name)), colon()});
}

ExprId JsonRules::any_key() {
  return grammar_.sequence({string(), colon()});
}

ExprId JsonRules::key_but(const std::vector<std::string>& names) {
  struct Branch {
    std::map<char32_t, Branch> next;
    bool is_name = false;
  };
  Branch root;
  for (const std::string& name : names) {
    Branch* at = &root;
    for (std::string_view rest = name; !rest.empty();
         rest.remove_prefix(static_cast<size_t>(utf8_length(static_cast<uint8_t>(rest[0]))))) {
      at = &at->next[decode_utf8(rest.data())];
    }
    at->is_name = true;
  }
  const ExprId tail = grammar_.repeat(grammar_.chars(plain_chars()), {});
  const auto write = [&](const Branch& branch, const auto& self) -> ExprId {
    std::vector<CharRange> taken;
    std::vector<ExprId> parts;
    for (const auto& [character, next] : branch.next) {
      taken.push_back({character, character});
      if (!plain_chars().contains(character)) continue;
      parts.push_back(grammar_.sequence({grammar_.chars({{character, character}}), self(next, self)}));
    }
    parts.push_back(grammar_.sequence({grammar_.chars(plain_chars().without(CharSet(std::move(taken)))), tail}));
    if (!branch.is_name) parts.push_back(grammar_.empty());
    return grammar_.choice(std::move(parts));
  };
  return grammar_.sequence({quoted(write(root, write)), colon()});
}

ExprId JsonRules::space() {
  return rule("json space", [&] {
    const ExprId indent = grammar_.repeat(grammar_.text(" "), {0, kMaxIndent});
    return grammar_.choice({grammar_.empty(), grammar_.text(" "), grammar_.sequence({grammar_.text("\n"), indent})});
  });
}

}  // namespace spyhop
