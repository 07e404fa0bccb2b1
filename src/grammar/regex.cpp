#include "grammar/regex.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grammar/text_reader.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;

const CharSet& digits() {
  static const CharSet set{{'0', '9'}};
  return set;
}

const CharSet& word_chars() {
  static const CharSet set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}

const CharSet& spaces() {
  static const CharSet set{{'\t', '\r'}, {' ', ' '}};
  return set;
}

int64_t times(int64_t length, int64_t count) {
  return std::min(length * count, TextLengths::kNoLimit);
}

bool is_ascii_letter_or_digit(char32_t character) {
  return character < 0x80 && word_chars().contains(character) && character != '_';
}

class RegexParser {
 public:
  RegexParser(Grammar& grammar, std::string_view pattern, const RegexOptions& options)
      : grammar_(grammar), reader_(pattern, "pattern"), options_(options) {}

  Regex parse() {
    const Regex regex = alternatives();
    if (!reader_.at_end()) reader_.fail("has a ) without its (");
    return regex;
  }

 private:
  Regex alternatives() {
    if (++depth_ > grammar_.limits().max_depth) reader_.fail("has groups too deep within each other");
    std::vector<ExprId> parts;
    TextLengths lengths{TextLengths::kNoLimit, 0};
    do {
      const Regex part = sequence();
      parts.push_back(part.expr);
      lengths.min = std::min(lengths.min, part.lengths.min);
      lengths.max = std::max(lengths.max, part.lengths.max);
    } while (reader_.take_if("|"));
    --depth_;
    return {grammar_.choice(std::move(parts)), lengths};
  }

  Regex sequence() {
    const bool is_outermost = depth_ == 1;
    const bool is_open = is_outermost && options_.match == RegexMatch::kSearch;
    std::vector<ExprId> parts;
    TextLengths lengths{0, 0};
    const auto add = [&](const Regex& part) {
      parts.push_back(part.expr);
      lengths.min = std::min(lengths.min + part.lengths.min, TextLengths::kNoLimit);
      lengths.max = std::min(lengths.max + part.lengths.max, TextLengths::kNoLimit);
    };
    if (!(is_outermost && reader_.take_if("^")) && is_open) add(anything());
    bool is_at_end = false;
    while (!reader_.at_end() && !reader_.is_next("|") && !reader_.is_next(")")) {
      if (is_at_end) reader_.fail("goes on behind $");
      if (is_outermost && reader_.take_if("$")) {
        is_at_end = true;
      } else {
        add(repeated());
      }
    }
    if (is_open && !is_at_end) add(anything());
    return {grammar_.sequence(std::move(parts)), lengths};
  }

  Regex anything() { return {grammar_.repeat(write(CharSet::any()), {0, kUnbounded}), {0, TextLengths::kNoLimit}}; }

  Regex repeated() {
    Regex part = atom();
    const std::optional<RepeatBounds> bounds = quantifier();
    if (!bounds) return part;
    part.expr = grammar_.repeat(part.expr, *bounds);
    part.lengths.min = times(part.lengths.min, bounds->min);
    part.lengths.max = bounds->max != kUnbounded ? times(part.lengths.max, bounds->max)
                       : part.lengths.max == 0   ? 0
                                                 : TextLengths::kNoLimit;
    return part;
  }

  std::optional<RepeatBounds> quantifier() {
    RepeatBounds bounds;
    if (reader_.take_if("*")) {
      bounds = {0, kUnbounded};
    } else if (reader_.take_if("+")) {
      bounds = {1, kUnbounded};
    } else if (reader_.take_if("?")) {
      bounds = {0, 1};
    } else if (reader_.take_if("{")) {
      bounds = braces();
    } else {
      return std::nullopt;
    }
    reader_.take_if("?");  // takes as little as possible, which is the same texts
    return bounds;
  }

  RepeatBounds braces() {
    RepeatBounds bounds;
    bounds.min = bounds.max = reader_.take_number();
    if (reader_.take_if(",")) bounds.max = reader_.is_digit_next() ? reader_.take_number() : kUnbounded;
    reader_.expect("}");
    return bounds;
  }

  Regex atom() {
    if (reader_.take_if("(")) return group();
    if (reader_.take_if("[")) return one_char(char_class());
    if (reader_.take_if(".")) return one_char(CharSet{{'\n', '\n'}}.inverted());
    if (reader_.take_if("\\")) return one_char(escape());
    for (const char* sign : {"*", "+", "?"}) {
      if (reader_.is_next(sign)) reader_.fail("has nothing to repeat here");
    }
    for (const char* sign : {"^", "$"}) {
      if (reader_.is_next(sign)) reader_.fail(std::string("has ") + sign + " elsewhere than at its ends");
    }
    const char32_t character = reader_.take();
    return one_char({{character, character}});
  }

  Regex group() {
    if (reader_.take_if("?")) {
      if (reader_.is_next("=") || reader_.is_next("!") || reader_.is_next("<=") || reader_.is_next("<!")) {
        reader_.fail("has lookaround, which is not supported");
      }
      if (reader_.take_if("P<") || reader_.take_if("<")) {
        while (!reader_.take_if(">")) reader_.take();
      } else if (!reader_.take_if(":")) {
        reader_.fail("has a kind of group that is not supported");
      }
    }
    const Regex inside = alternatives();
    reader_.expect(")");
    return inside;
  }

  Regex one_char(const CharSet& set) { return {write(set), {1, 1}}; }

  ExprId write(const CharSet& set) { return options_.write_char ? options_.write_char(set) : grammar_.chars(set); }

  CharSet char_class() {
    const bool is_inverted = reader_.take_if("^");
    if (reader_.is_next("]")) reader_.fail("has an empty class; a ] in a class is written \\]");
    CharSet set;
    while (!reader_.take_if("]")) {
      if (reader_.is_next("[:")) reader_.fail("has a named class, which is not supported");
      const CharSet first = class_member();
      if (!reader_.is_next("-") || reader_.is_next("-]")) {
        set = set.united(first);
        continue;
      }
      reader_.expect("-");
      set = set.united(range(first, class_member()));
    }
    return is_inverted ? set.inverted() : set;
  }

  CharSet class_member() {
    if (reader_.take_if("\\")) return escape();
    const char32_t character = reader_.take();
    return {{character, character}};
  }

  CharSet range(const CharSet& first, const CharSet& last) {
    const auto single = [](const CharSet& set) {
      return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
    };
    if (!single(first) || !single(last)) reader_.fail("has a range between classes");
    const CharRange between{first.ranges()[0].first, last.ranges()[0].first};
    if (between.first > between.last) reader_.fail("has a range that ends before it begins");
    return {between};
  }

  CharSet escape() {
    const char32_t character = reader_.take();
    switch (character) {
      case 'd':
        return digits();
      case 'D':
        return digits().inverted();
      case 'w':
        return word_chars();
      case 'W':
        return word_chars().inverted();
      case 's':
        return spaces();
      case 'S':
        return spaces().inverted();
      default:
        break;
    }
    const char32_t meant = escaped_char(character);
    return {{meant, meant}};
  }

  char32_t escaped_char(char32_t character) {
    constexpr std::string_view kNames = "tnrfv";
    constexpr std::string_view kMeanings = "\t\n\r\f\v";
    const size_t index = character < 0x80 ? kNames.find(static_cast<char>(character)) : std::string_view::npos;
    if (index != std::string_view::npos) return static_cast<unsigned char>(kMeanings[index]);
    if (character == 'x') return reader_.take_hex(2);
    if (character == 'u') return unicode_escape();
    if (character == '0' && !reader_.is_digit_next()) return 0;
    if (character >= '0' && character <= '9') reader_.fail("has a backreference, which is not supported");
    if (character >= 0x80 || is_ascii_letter_or_digit(character)) {
      reader_.fail("has the escape \\" + encode_utf8(character) + ", which is not supported");
    }
    return character;
  }

  char32_t unicode_escape() {
    if (!reader_.take_if("{")) return reader_.take_hex(4);
    const char32_t character = reader_.take_hex(0);
    reader_.expect("}");
    return character;
  }

  Grammar& grammar_;
  TextReader reader_;
  const RegexOptions& options_;
  int depth_ = 0;
};

}  // namespace

Regex add_regex(Grammar& grammar, std::string_view pattern, const RegexOptions& options) {
  check_source_size(pattern, grammar.limits());
  return RegexParser(grammar, pattern, options).parse();
}

}  // namespace spyhop
