// Token ids -> text while a sequence is generated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "prompt/tokenizer.h"

namespace spyhop {

/// Incremental UTF-8 decoder: holds back an unfinished character, gives U+FFFD as soon as bytes are invalid (one per maximal
/// valid prefix, as WHATWG and Rust do).
class Utf8Stream {
 public:
  /// Text that `bytes` completes; may be empty.
  std::string push(std::string_view bytes);

  /// What an unfinished character at the end turns into.
  std::string finish();

 private:
  std::string pending_;
};

/// Turns a sequence's tokens into text, each as soon as its characters are whole.
class Detokenizer {
 public:
  Detokenizer(const Tokenizer& tokenizer, bool skip_special) : tokenizer_(tokenizer), skip_special_(skip_special) {}

  /// Text that the token completes; may be empty.
  std::string push(int32_t id);
  /// What an unfinished character at the end turns into.
  std::string finish() { return utf8_.finish(); }

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  bool is_at_start_ = true;
  Utf8Stream utf8_;
};

}  // namespace spyhop
