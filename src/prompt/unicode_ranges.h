// Sets of code points that the pre-tokenizers' patterns name.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spyhop {

/// Both ends belong to the range.
struct CodePointRange {
  uint32_t first;
  uint32_t last;
};

/// Rising, disjoint ranges.
struct CodePointSet {
  const CodePointRange* ranges;
  size_t size;

  const CodePointRange* begin() const { return ranges; }
  const CodePointRange* end() const { return ranges + size; }
};

// General categories of Unicode 16.0, as Oniguruma matches \p{L}, \p{M}, \p{N}, \p{P} and \p{S} inside the Hugging Face
// tokenizers 0.22 and 0.23: every scalar value was tried there.
extern const CodePointSet kUnicodeLetters;
extern const CodePointSet kUnicodeMarks;
extern const CodePointSet kUnicodeNumbers;
extern const CodePointSet kUnicodePunctuation;
extern const CodePointSet kUnicodeSymbols;

/// White_Space, Oniguruma's \s.
extern const CodePointSet kUnicodeSpaces;

/// Numbers of Unicode 17.0: Rust's char::is_numeric, which the Digits pre-tokenizer asks.
extern const CodePointSet kUnicodeDigits;

}  // namespace spyhop
