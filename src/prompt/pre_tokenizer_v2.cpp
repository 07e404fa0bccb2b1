#include "prompt/pre_tokenizer_v2.h"

namespace spyhop {
namespace {

constexpr uint8_t kNewline = 1;
constexpr uint8_t kSpace = 2;
constexpr uint8_t kLetter = 4;
constexpr uint8_t kPunctuation = 8;
constexpr uint8_t kCjk = 16;
constexpr uint8_t kDigit = 32;

// Insides of the patterns' character classes. Escaped, because some letters have look-alikes that editors swap them for.
constexpr char kNewlineClass[] = "\r\n";
constexpr char kLetterClass[] =
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376"
    "\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f"
    "\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
    "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d"
    "\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4"
    "\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
    "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d"
    "\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a"
    "\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
    "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943";
constexpr char kPunctuationClass[] = "!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002";
constexpr char kCjkClass[] = "\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff";

/// Ranges of a character class written as single characters and "a-b".
std::vector<CodePointRange> parse_class(std::string_view text) {
  const auto take = [&text] {
    const uint32_t code_point = decode_utf8(text.data());
    text.remove_prefix(static_cast<size_t>(utf8_length(static_cast<uint8_t>(text[0]))));
    return code_point;
  };
  std::vector<CodePointRange> ranges;
  while (!text.empty()) {
    const uint32_t first = take();
    uint32_t last = first;
    if (text.size() > 1 && text[0] == '-') {
      text.remove_prefix(1);
      last = take();
    }
    ranges.push_back({first, last});
  }
  return ranges;
}

CharClassTable make_classes() {
  const auto newlines = parse_class(kNewlineClass), letters = parse_class(kLetterClass),
             punctuation = parse_class(kPunctuationClass), cjk = parse_class(kCjkClass);
  return CharClassTable({{{newlines.data(), newlines.size()}, kNewline, false},
                         {kUnicodeSpaces, kSpace, false},
                         {{letters.data(), letters.size()}, kLetter, false},
                         {{punctuation.data(), punctuation.size()}, kPunctuation, false},
                         {{cjk.data(), cjk.size()}, kCjk, false},
                         {kUnicodeDigits, kDigit, false}});
}

/// Cuts one text. Each member is a step: it hands its pieces, matches and the gaps between them alike, to the next one.
class Splitter {
 public:
  Splitter(const CharClassTable& classes, std::string_view text) : classes_(classes), begin_(text.data()) {
    ends_.reserve(text.size() / 4 + 1);
    split_lines(begin_, begin_ + text.size());
  }

  std::vector<uint32_t> take() { return std::move(ends_); }

 private:
  void split_lines(const char* p, const char* end) {
    const char* gap = p;
    for (; p < end; ++p) {
      if (*p != '\n' && *p != '\r') continue;
      if (gap < p) split_words(gap, p);
      split_words(p, p + 1);
      gap = p + 1;
    }
    if (gap < end) split_words(gap, end);
  }

  void split_words(const char* p, const char* end) {
    split_runs(p, end, kLetter, kSpace, [this](const char* from, const char* to) { split_punctuation(from, to); });
  }

  void split_punctuation(const char* p, const char* end) {
    split_runs(p, end, kPunctuation, kSpace, [this](const char* from, const char* to) { split_trailing_space(from, to); });
  }

  void split_trailing_space(const char* p, const char* end) {
    const char* space = end;
    while (space > p) {
      const char* c = space - 1;
      while ((*c & 0xC0) == 0x80) --c;
      if (!(classes_.at(c).bits & kSpace)) break;
      space = c;
    }
    if (p < space) split_cjk(p, space);
    if (space < end) split_cjk(space, end);
  }

  void split_cjk(const char* p, const char* end) {
    split_runs(p, end, kCjk, 0, [this](const char* from, const char* to) { split_digits(from, to); });
  }

  void split_digits(const char* p, const char* end) {
    const char* gap = p;
    while (p < end) {
      const ClassedChar c = classes_.at(p);
      if (c.bits & kDigit) {
        if (gap < p) cut_at(p);
        cut_at(p + c.length);
        gap = p + c.length;
      }
      p += c.length;
    }
    if (gap < end) cut_at(end);
  }

  /// Matches runs of characters with `bits`, each with one character of `prefix` before it if there is one.
  template <class Next>
  void split_runs(const char* p, const char* end, uint8_t bits, uint8_t prefix, const Next& next_step) {
    const char* gap = p;
    while (p < end) {
      const ClassedChar c = classes_.at(p);
      const char* const after = p + c.length;
      const bool matches = c.bits & bits || (c.bits & prefix && after < end && classes_.at(after).bits & bits);
      if (!matches) {
        p = after;
        continue;
      }
      if (gap < p) next_step(gap, p);
      gap = classes_.skip(after, end, bits);
      next_step(p, gap);
      p = gap;
    }
    if (gap < end) next_step(gap, end);
  }

  void cut_at(const char* p) { ends_.push_back(static_cast<uint32_t>(p - begin_)); }

  const CharClassTable& classes_;
  const char* begin_;
  std::vector<uint32_t> ends_;
};

std::string in_class(const char* before, const char* inside, const char* after) {
  return std::string(before) + "[" + inside + "]" + after;
}

}  // namespace

PreTokenizerV2::PreTokenizerV2() : classes_(make_classes()) {}

std::vector<std::string> PreTokenizerV2::patterns() {
  return {in_class("", kNewlineClass, ""), in_class("\\s?", kLetterClass, "+"), in_class("\\s?", kPunctuationClass, "+"),
          "\\s+$", in_class("", kCjkClass, "+")};
}

std::vector<uint32_t> PreTokenizerV2::piece_ends(std::string_view text) const {
  return Splitter(classes_, text).take();
}

}  // namespace spyhop
