#include "grammar/char_set.h"

#include <algorithm>
#include <utility>

namespace spyhop {
namespace {

constexpr CharRange kSurrogates{0xD800, 0xDFFF};
constexpr char32_t kLastOfLength[] = {0, 0x7F, 0x7FF, 0xFFFF, kLastCodePoint};  // by bytes of UTF-8

std::array<uint8_t, 4> encode(char32_t character, int length) {
  constexpr uint8_t kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  std::array<uint8_t, 4> bytes{};
  for (int i = length - 1; i > 0; --i) {
    bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(0x80 | (character & 0x3F));
    character >>= 6;
  }
  bytes[0] = static_cast<uint8_t>(kLead[length] | character);
  return bytes;
}

/// Characters of `length` bytes: cut where a byte's range would depend on the bytes before it.
void split(const CharRange& range, int length, std::vector<ByteRanges>& result) {
  for (int tail = 1; tail < length; ++tail) {
    const char32_t mask = (char32_t{1} << (6 * tail)) - 1;
    if ((range.first & ~mask) == (range.last & ~mask)) continue;
    if ((range.first & mask) != 0) {
      split({range.first, range.first | mask}, length, result);
      split({(range.first | mask) + 1, range.last}, length, result);
      return;
    }
    if ((range.last & mask) != mask) {
      split({range.first, (range.last & ~mask) - 1}, length, result);
      split({range.last & ~mask, range.last}, length, result);
      return;
    }
  }
  const std::array<uint8_t, 4> first = encode(range.first, length);
  const std::array<uint8_t, 4> last = encode(range.last, length);
  ByteRanges bytes;
  bytes.length = length;
  for (size_t i = 0; i < static_cast<size_t>(length); ++i) bytes.bytes[i] = {first[i], last[i]};
  result.push_back(bytes);
}

}  // namespace

CharSet::CharSet(std::vector<CharRange> ranges) {
  std::vector<CharRange> parts;
  for (const CharRange& range : ranges) {
    if (range.first > range.last) continue;
    if (range.first < kSurrogates.first) parts.push_back({range.first, std::min<char32_t>(range.last, kSurrogates.first - 1)});
    if (range.last > kSurrogates.last) {
      parts.push_back({std::max<char32_t>(range.first, kSurrogates.last + 1), std::min(range.last, kLastCodePoint)});
    }
  }
  std::sort(parts.begin(), parts.end(), [](const CharRange& a, const CharRange& b) { return a.first < b.first; });
  for (const CharRange& part : parts) {
    if (!ranges_.empty() && part.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, part.last);
    } else {
      ranges_.push_back(part);
    }
  }
}

bool CharSet::contains(char32_t character) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), character,
                                      [](char32_t value, const CharRange& range) { return value < range.first; });
  return after != ranges_.begin() && character <= std::prev(after)->last;
}

CharSet CharSet::united(const CharSet& other) const {
  std::vector<CharRange> all = ranges_;
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  return CharSet(std::move(all));
}

CharSet CharSet::intersected(const CharSet& other) const {
  std::vector<CharRange> common;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    common.push_back({std::max(a->first, b->first), std::min(a->last, b->last)});
    if (a->last < b->last) {
      ++a;
    } else {
      ++b;
    }
  }
  return CharSet(std::move(common));
}

CharSet CharSet::inverted() const {
  std::vector<CharRange> rest;
  char32_t next = 0;
  for (const CharRange& range : ranges_) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) rest.push_back({next, kLastCodePoint});
  return CharSet(std::move(rest));
}

bool CharSet::operator<(const CharSet& other) const {
  return std::lexicographical_compare(
      ranges_.begin(), ranges_.end(), other.ranges_.begin(), other.ranges_.end(),
      [](const CharRange& a, const CharRange& b) { return a.first != b.first ? a.first < b.first : a.last < b.last; });
}

std::vector<ByteRanges> utf8_ranges(const CharSet& set) {
  std::vector<ByteRanges> result;
  for (const CharRange& range : set.ranges()) {
    for (int length = 1; length <= 4; ++length) {
      const char32_t first = std::max<char32_t>(range.first, length == 1 ? 0 : kLastOfLength[length - 1] + 1);
      const char32_t last = std::min(range.last, kLastOfLength[length]);
      if (first <= last) split({first, last}, length, result);
    }
  }
  return result;
}

}  // namespace spyhop
