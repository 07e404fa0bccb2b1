#include "grammar/gbnf.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grammar/text_reader.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;
using RuleId = Grammar::RuleId;

bool is_name_char(char32_t character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '-' || character == '_';
}

class GbnfParser {
 public:
  GbnfParser(std::string_view source, const GrammarLimits& limits) : grammar_(limits), reader_(source, "grammar") {}

  Grammar parse() {
    rule_of("root");
    skip_space();
    while (!reader_.at_end()) {
      const RuleId rule = rule_of(take_name());
      if (grammar_.rules()[rule].is_defined) reader_.fail("defines " + grammar_.rules()[rule].name + " twice");
      skip_space();
      reader_.expect("::=");
      grammar_.define(rule, alternatives());
    }
    return std::move(grammar_);
  }

 private:
  RuleId rule_of(const std::string& name) {
    const auto known = rules_.find(name);
    if (known != rules_.end()) return known->second;
    return rules_[name] = grammar_.add_rule(name);
  }

  void skip_space() {
    while (!reader_.at_end()) {
      const char32_t next = reader_.peek();
      if (next == '#') {
        while (!reader_.at_end() && reader_.peek() != '\n') reader_.take();
      } else if (next == ' ' || next == '\t' || next == '\n' || next == '\r') {
        reader_.take();
      } else {
        return;
      }
    }
  }

  std::string take_name() {
    std::string name;
    while (is_name_char(reader_.peek())) name += static_cast<char>(reader_.take());
    if (name.empty()) reader_.fail("needs a rule's name here");
    return name;
  }

  ExprId alternatives() {
    if (++depth_ > grammar_.limits().max_depth) reader_.fail("has groups too deep within each other");
    std::vector<ExprId> parts;
    do parts.push_back(sequence());
    while (reader_.take_if("|"));
    --depth_;
    return grammar_.choice(std::move(parts));
  }

  ExprId sequence() {
    std::vector<ExprId> parts;
    for (skip_space(); !reader_.at_end() && !reader_.is_next("|") && !reader_.is_next(")"); skip_space()) {
      const std::optional<ExprId> part = atom();
      if (!part) break;
      parts.push_back(repeated(*part));
    }
    return grammar_.sequence(std::move(parts));
  }

  /// Nothing where the next rule begins.
  std::optional<ExprId> atom() {
    if (reader_.take_if("\"")) return text("\"");
    if (reader_.take_if("'")) return text("'");
    if (reader_.take_if("[")) return grammar_.chars(char_class());
    if (reader_.take_if(".")) return grammar_.chars(CharSet::any());
    if (reader_.take_if("(")) {
      const ExprId inside = alternatives();
      reader_.expect(")");
      return inside;
    }
    const TextReader before = reader_;
    if (!is_name_char(reader_.peek())) reader_.fail("needs a text, a class, a group or a rule's name here");
    const std::string name = take_name();
    skip_space();
    if (!reader_.is_next("::=")) return grammar_.call(rule_of(name));
    if (depth_ > 1) reader_.fail("needs a ) here");
    reader_ = before;
    return std::nullopt;
  }

  ExprId repeated(ExprId part) {
    for (;;) {
      skip_space();
      if (reader_.take_if("*")) {
        part = grammar_.repeat(part, {0, kUnbounded});
      } else if (reader_.take_if("+")) {
        part = grammar_.repeat(part, {1, kUnbounded});
      } else if (reader_.take_if("?")) {
        part = grammar_.optional(part);
      } else if (reader_.take_if("{")) {
        part = grammar_.repeat(part, braces());
      } else {
        return part;
      }
    }
  }

  RepeatBounds braces() {
    RepeatBounds bounds;
    bounds.min = bounds.max = number();
    if (reader_.take_if(",")) {
      skip_space();
      bounds.max = reader_.is_digit_next() ? number() : kUnbounded;
    }
    reader_.expect("}");
    return bounds;
  }

  int number() {
    skip_space();
    const int value = reader_.take_number();
    skip_space();
    return value;
  }

  ExprId text(std::string_view quote) {
    std::string bytes;
    while (!reader_.take_if(quote)) bytes += encode_utf8(character());
    return grammar_.text(bytes);
  }

  CharSet char_class() {
    const bool is_inverted = reader_.take_if("^");
    std::vector<CharRange> ranges;
    while (!reader_.take_if("]")) {
      CharRange range;
      range.first = range.last = character();
      if (reader_.is_next("-") && !reader_.is_next("-]")) {
        reader_.expect("-");
        range.last = character();
        if (range.first > range.last) reader_.fail("has a range that ends before it begins");
      }
      ranges.push_back(range);
    }
    const CharSet set(std::move(ranges));
    return is_inverted ? set.inverted() : set;
  }

  char32_t character() {
    if (!reader_.take_if("\\")) return reader_.take();
    const char32_t name = reader_.take();
    switch (name) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'x':
        return reader_.take_hex(2);
      case 'u':
        return reader_.take_hex(4);
      case 'U':
        return reader_.take_hex(8);
      case '\\':
      case '"':
      case '\'':
      case '[':
      case ']':
      case '-':
      case '^':
        return name;
      default:
        reader_.fail("has the escape \\" + encode_utf8(name) + ", which is not supported");
    }
  }

  Grammar grammar_;
  TextReader reader_;
  std::map<std::string, RuleId> rules_;
  int depth_ = 0;
};

}  // namespace

Grammar parse_gbnf(std::string_view source, const GrammarLimits& limits) {
  check_source_size(source, limits);
  return GbnfParser(source, limits).parse();
}

}  // namespace spyhop
