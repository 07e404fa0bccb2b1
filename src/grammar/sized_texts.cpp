#include "grammar/sized_texts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;
using ExprKind = Grammar::Kind;

int64_t bounded(int64_t length) {
  return std::min(length, TextLengths::kNoLimit);
}

}  // namespace

std::optional<ExprId> SizedTexts::write(const TextLengths& wanted, Kind kind) {
  kind_ = kind;
  const ExprId root = from_.rules()[0].body;
  const TextLengths all = lengths(root);
  if (all.min > wanted.max || all.max < wanted.min) {
    throw Error(ErrorCode::kInvalidRequest, "no text matches that has so many characters");
  }
  return sized(root, wanted);
}

TextLengths SizedTexts::lengths(ExprId id) const {
  const Grammar::Expr& expr = from_.expr(id);
  if (expr.kind == ExprKind::kBytes) return {0, 0};  // patterns have none but the empty one
  if (expr.kind == ExprKind::kChars) return {1, 1};
  TextLengths result{expr.kind == ExprKind::kChoice ? TextLengths::kNoLimit : 0, 0};
  for (const ExprId part : expr.parts) {
    const TextLengths one = lengths(part);
    if (expr.kind == ExprKind::kChoice) {
      result = {std::min(result.min, one.min), std::max(result.max, one.max)};
    } else {
      result = {bounded(result.min + one.min), bounded(result.max + one.max)};
    }
  }
  if (expr.kind != ExprKind::kRepeat) return result;
  const bool is_endless = expr.bounds.max == kUnbounded && result.max > 0;
  return {bounded(result.min * expr.bounds.min),
          is_endless ? TextLengths::kNoLimit : bounded(result.max * std::max(expr.bounds.max, 0))};
}

ExprId SizedTexts::copy(ExprId id) {
  const Grammar::Expr& expr = from_.expr(id);
  if (expr.kind == ExprKind::kBytes) return to_.text(expr.bytes);
  if (expr.kind == ExprKind::kChars) return write_char_ ? write_char_(expr.chars) : to_.chars(expr.chars);
  std::vector<ExprId> parts;
  for (const ExprId part : expr.parts) parts.push_back(copy(part));
  if (expr.kind == ExprKind::kRepeat) return to_.repeat(parts[0], expr.bounds);
  return expr.kind == ExprKind::kSequence ? to_.sequence(std::move(parts)) : to_.choice(std::move(parts));
}

std::optional<ExprId> SizedTexts::sized(ExprId id, const TextLengths& wanted) {
  const Grammar::Expr& expr = from_.expr(id);
  const TextLengths all = lengths(id);
  if (all.min > wanted.max || all.max < wanted.min) return nothing();
  if (all.min >= wanted.min && all.max <= wanted.max) return copy(id);
  if (expr.kind == ExprKind::kSequence) return sized_sequence(expr, wanted);
  if (expr.kind == ExprKind::kRepeat) return sized_repeat(expr, wanted);
  std::vector<ExprId> parts;
  for (const ExprId part : expr.parts) {
    const std::optional<ExprId> one = sized(part, wanted);
    if (!one) return std::nullopt;
    parts.push_back(*one);
  }
  return to_.choice(std::move(parts));
}

std::optional<ExprId> SizedTexts::sized_sequence(const Grammar::Expr& expr, const TextLengths& wanted) {
  std::optional<size_t> varying;
  int64_t fixed = 0;
  for (size_t i = 0; i < expr.parts.size(); ++i) {
    const TextLengths one = lengths(expr.parts[i]);
    if (one.min == one.max) {
      fixed += one.min;
    } else if (varying) {
      return kind_ == Kind::kSome ? shared_sequence(expr, wanted) : std::nullopt;
    } else {
      varying = i;
    }
  }
  const bool is_limited = wanted.max != TextLengths::kNoLimit;
  const TextLengths left{std::max<int64_t>(wanted.min - fixed, 0), is_limited ? wanted.max - fixed : wanted.max};
  std::vector<ExprId> parts;
  for (size_t i = 0; i < expr.parts.size(); ++i) {
    if (i != varying) {
      parts.push_back(copy(expr.parts[i]));
      continue;
    }
    const std::optional<ExprId> one = sized(expr.parts[i], left);
    if (!one) return std::nullopt;
    parts.push_back(*one);
  }
  return to_.sequence(std::move(parts));
}

/// What the shortest texts leave of the characters is shared by how much each part may vary.
std::optional<ExprId> SizedTexts::shared_sequence(const Grammar::Expr& expr, const TextLengths& wanted) {
  std::vector<TextLengths> own;
  int64_t least = 0;
  for (const ExprId part : expr.parts) {
    own.push_back(lengths(part));
    least += own.back().min;
  }
  if (least < wanted.min) return std::nullopt;
  const int64_t left = wanted.max - least;
  const auto range = [left](const TextLengths& one) { return std::min(one.max - one.min, left); };
  int64_t all = 0;
  for (const TextLengths& one : own) all += range(one);
  std::vector<ExprId> parts;
  for (size_t i = 0; i < expr.parts.size(); ++i) {
    const int64_t share = all == 0 ? 0 : range(own[i]) * left / std::max(all, left);
    const std::optional<ExprId> one = sized(expr.parts[i], {own[i].min, own[i].min + share});
    if (!one) return std::nullopt;
    parts.push_back(*one);
  }
  return to_.sequence(std::move(parts));
}

std::optional<ExprId> SizedTexts::sized_repeat(const Grammar::Expr& expr, const TextLengths& wanted) {
  const TextLengths one = lengths(expr.parts[0]);
  if (one.min != one.max && kind_ == Kind::kSome && wanted.min <= one.min * expr.bounds.min) {
    const int64_t rounds = std::max<int64_t>(expr.bounds.min, 1);
    const int64_t of_round = std::min(one.max, wanted.max / rounds);
    const std::optional<ExprId> part = sized(expr.parts[0], {0, of_round});
    const int64_t limit = expr.bounds.max == kUnbounded ? TextLengths::kNoLimit : expr.bounds.max;
    const int64_t most = std::min(limit, wanted.max / std::max<int64_t>(of_round, 1));
    if (!part) return std::nullopt;
    return to_.repeat(*part, {expr.bounds.min, static_cast<int>(std::min<int64_t>(most, to_.limits().max_repeats))});
  }
  if (one.min != one.max || one.min == 0) return std::nullopt;
  const int64_t least = std::max<int64_t>(expr.bounds.min, (wanted.min + one.min - 1) / one.min);
  const int64_t own = expr.bounds.max == kUnbounded ? TextLengths::kNoLimit : expr.bounds.max;
  const int64_t most = wanted.max == TextLengths::kNoLimit ? own : std::min(own, wanted.max / one.min);
  if (least > most) return nothing();
  const int max = most == TextLengths::kNoLimit ? kUnbounded : static_cast<int>(most);
  return to_.repeat(copy(expr.parts[0]), {static_cast<int>(least), max});
}

}  // namespace spyhop
