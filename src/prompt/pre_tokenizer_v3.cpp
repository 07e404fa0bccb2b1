#include "prompt/pre_tokenizer_v3.h"

namespace spyhop {
namespace {

constexpr uint8_t kLetter = 1;
constexpr uint8_t kMark = 2;
constexpr uint8_t kPunctuation = 4;  // symbols too
constexpr uint8_t kNumber = 8;
constexpr uint8_t kCjk = 16;  // besides the others
constexpr uint8_t kSpace = 32;
constexpr uint8_t kNewline = 64;  // besides kSpace

constexpr CodePointRange kCjkRanges[] = {{0x3040, 0x309F}, {0x30A0, 0x30FF}, {0x4E00, 0x9FA5}};
constexpr CodePointRange kNewlineRanges[] = {{'\n', '\n'}, {'\r', '\r'}};

bool is_ascii_letter(char c) {
  return static_cast<unsigned>((c | 0x20) - 'a') < 26;
}

}  // namespace

PreTokenizerV3::PreTokenizerV3()
    : classes_({{kUnicodeLetters, kLetter, false},
                {kUnicodeMarks, kMark, false},
                {kUnicodePunctuation, kPunctuation, false},
                {kUnicodeSymbols, kPunctuation, false},
                {kUnicodeSpaces, kSpace, false},
                {{kNewlineRanges, 2}, kNewline, false},
                {{kCjkRanges, 3}, kCjk, false},
                {kUnicodeNumbers, kNumber, true}}) {}

std::vector<std::string> PreTokenizerV3::patterns() {
  return {"\\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
          "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"};
}

std::vector<uint32_t> PreTokenizerV3::piece_ends(std::string_view text) const {
  const char* p = text.data();
  const char* const end = p + text.size();
  std::vector<uint32_t> ends;
  ends.reserve(text.size() / 4 + 1);
  const auto cut_at = [&](const char* at) { ends.push_back(static_cast<uint32_t>(at - text.data())); };
  while (p < end) {
    const uint8_t bits = classes_.at(p).bits;
    if (bits & kNumber) {
      p = number_end(p, end);
      cut_at(p);
      continue;
    }
    const char* const part_end = bits & kCjk ? classes_.skip(p, end, kCjk) : classes_.skip_others(p, end, kCjk | kNumber);
    const char* gap = p;  // what follows the last match
    while (p < part_end) {
      const char* const match_end = word_end(p, part_end);
      if (match_end == p) {
        p += classes_.at(p).length;
        continue;
      }
      if (gap != p) cut_at(p);
      cut_at(match_end);
      p = gap = match_end;
    }
    if (gap != part_end) cut_at(part_end);
  }
  return ends;
}

const char* PreTokenizerV3::number_end(const char* p, const char* end) const {
  for (int i = 0; i < 3 && p < end; ++i) {
    const ClassedChar c = classes_.at(p);
    if (!(c.bits & kNumber)) break;
    p += c.length;
  }
  return p;
}

/// End of the third pattern's match at `p`; `p` where it does not match. `end` is that of the part it may see.
const char* PreTokenizerV3::word_end(const char* p, const char* end) const {
  const ClassedChar c = classes_.at(p);
  const char* const next = p + c.length;
  if (c.bits & (kLetter | kMark)) return classes_.skip(next, end, kLetter | kMark);
  if (c.bits & kPunctuation && c.length == 1 && next < end && is_ascii_letter(*next)) {
    p = next;
    while (p < end && is_ascii_letter(*p)) ++p;
    return p;
  }
  const uint8_t following = next < end ? classes_.at(next).bits : 0;
  if (!(c.bits & (kPunctuation | kNewline)) && following & (kLetter | kMark)) {
    return classes_.skip(next, end, kLetter | kMark);
  }
  if (c.bits & kPunctuation || (*p == ' ' && following & kPunctuation)) {
    p = classes_.skip(next, end, kPunctuation);
    return classes_.skip(p, end, kNewline);
  }
  return c.bits & kSpace ? space_end(p, end) : p;
}

/// End of `\s*[\r\n]+|\s+(?!\S)|\s+` at a space: up to the last line break of the run, else all of a run that nothing
/// follows, else all but its last character, which goes with the next word, unless it is the only one.
const char* PreTokenizerV3::space_end(const char* p, const char* end) const {
  const char* after_newline = nullptr;
  const char* last = p;
  const char* const begin = p;
  while (p < end) {
    const ClassedChar c = classes_.at(p);
    if (!(c.bits & kSpace)) break;
    last = p;
    p += c.length;
    if (c.bits & kNewline) after_newline = p;
  }
  if (after_newline) return after_newline;
  return p == end || last == begin ? p : last;
}

}  // namespace spyhop
