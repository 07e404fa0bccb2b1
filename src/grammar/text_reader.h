// The characters of a pattern or a grammar, one after the other.
#pragma once

#include <string>
#include <string_view>

#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {

/// Thread safety: one thread at a time.
class TextReader {
 public:
  /// `name`: what the text is, for errors. Throws Error{kInvalidRequest} when it is not UTF-8.
  TextReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {
    if (!is_valid_utf8(text)) throw Error(ErrorCode::kInvalidRequest, "the " + name_ + " is not UTF-8");
  }

  bool at_end() const { return offset_ == text_.size(); }
  size_t offset() const { return offset_; }

  /// The next character; 0 at the end.
  char32_t peek() const { return at_end() ? 0 : decode_utf8(text_.data() + offset_); }
  bool is_next(std::string_view what) const { return text_.substr(offset_, what.size()) == what; }

  char32_t take() {
    if (at_end()) fail("ends too early");
    const char32_t character = peek();
    offset_ += static_cast<size_t>(utf8_length(static_cast<uint8_t>(text_[offset_])));
    return character;
  }

  bool take_if(std::string_view what) {
    if (!is_next(what)) return false;
    offset_ += what.size();
    return true;
  }

  void expect(std::string_view what) {
    if (!take_if(what)) fail("needs " + std::string(what) + " here");
  }

  bool is_digit_next() const { return peek() >= '0' && peek() <= '9'; }

  /// A decimal number of at most six digits.
  int take_number() {
    if (!is_digit_next()) fail("needs a number here");
    int number = 0;
    for (int digits = 0; is_digit_next(); ++digits) {
      if (digits == 6) fail("has too large a number here");
      number = number * 10 + static_cast<int>(take() - '0');
    }
    return number;
  }

  /// Exactly `digits` hexadecimal ones, or, with `digits` 0, one to six.
  char32_t take_hex(int digits) {
    char32_t value = 0;
    int taken = 0;
    for (; digits == 0 ? taken < 6 : taken < digits; ++taken) {
      const int digit = hex_digit(peek());
      if (digit < 0) break;
      value = value * 16 + static_cast<char32_t>(digit);
      take();
    }
    if (taken == 0 || taken < digits) fail("needs a hexadecimal digit here");
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) fail("has a number here that is no character");
    return value;
  }

  /// "the pattern `what` (at byte 12)".
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kInvalidRequest, "the " + name_ + " " + what + " (at byte " + std::to_string(offset_) + ")");
  }

 private:
  static int hex_digit(char32_t character) {
    if (character >= '0' && character <= '9') return static_cast<int>(character - '0');
    if (character >= 'a' && character <= 'f') return static_cast<int>(character - 'a') + 10;
    if (character >= 'A' && character <= 'F') return static_cast<int>(character - 'A') + 10;
    return -1;
  }

  std::string_view text_;
  std::string name_;
  size_t offset_ = 0;
};

}  // namespace spyhop
