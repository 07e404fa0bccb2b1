// Texts of a pattern that have a certain number of characters.
#pragma once

#include <optional>

#include "grammar/grammar.h"
#include "grammar/regex.h"

namespace spyhop {

/// Narrows the repetitions of a pattern.
class SizedTexts {
 public:
  /// `from`: a pattern's grammar, of one rule; `to`: where its texts are written. All must outlive it.
  SizedTexts(const Grammar& from, Grammar& to, const WriteChar& write_char) : from_(from), to_(to), write_char_(write_char) {}

  enum class Kind {
    kAll,   // nothing where narrowing cannot tell: where two parts of a sequence vary in length
    kSome,  // each such part gets a share of the characters, so that not every text is there
  };

  /// Adds texts of `wanted` characters. Throws Error{kInvalidRequest} when no text has such a length.
  std::optional<Grammar::ExprId> write(const TextLengths& wanted, Kind kind);

 private:
  using ExprId = Grammar::ExprId;

  TextLengths lengths(ExprId id) const;
  ExprId copy(ExprId id);
  std::optional<ExprId> sized(ExprId id, const TextLengths& wanted);
  std::optional<ExprId> sized_sequence(const Grammar::Expr& expr, const TextLengths& wanted);
  std::optional<ExprId> shared_sequence(const Grammar::Expr& expr, const TextLengths& wanted);
  std::optional<ExprId> sized_repeat(const Grammar::Expr& expr, const TextLengths& wanted);
  ExprId nothing() { return to_.choice({}); }

  const Grammar& from_;
  Grammar& to_;
  const WriteChar& write_char_;
  Kind kind_ = Kind::kAll;
};

}  // namespace spyhop
