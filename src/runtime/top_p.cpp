#include "runtime/top_p.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/kernels/logits.h"
#include "runtime/logit_row.h"

namespace spyhop {
namespace {

using kernels::kNumThresholds;

/// A share's bits, which rise with it.
uint32_t key_of(float share) {
  uint32_t key;
  std::memcpy(&key, &share, sizeof key);
  return key;
}

float share_of(uint32_t key) {
  float share;
  std::memcpy(&share, &key, sizeof share);
  return share;
}

/// The cut is at one of these shares.
struct Bracket {
  uint32_t first = 0;            // key
  uint32_t last = key_of(1.0F);  // key
  double below = 0;              // sum of the shares under the first

  bool is_single() const { return first == last; }
};

/// Shares and the mass of them to drop.
struct Shares {
  const float* values = nullptr;
  int64_t count = 0;
  double mass = 0;
};

/// The part of the bracket that holds the cut. `shares` are those inside; `start`, from its first to its last key, is where the
/// thresholds begin.
Bracket narrowed(const Bracket& bracket, const Shares& shares, uint32_t start) {
  std::array<uint32_t, kNumThresholds> keys;
  std::array<float, kNumThresholds> thresholds;
  std::array<double, kNumThresholds> sums;
  const uint32_t step = (bracket.last - start) / kNumThresholds + 1;
  for (size_t i = 0; i < keys.size(); ++i) {
    keys[i] = std::min(start + static_cast<uint32_t>(i) * step, bracket.last);
    thresholds[i] = share_of(keys[i]);
  }
  kernels::logit_kernels().sums_below(shares.values, shares.count, thresholds.data(), sums.data());
  Bracket result = bracket;
  for (size_t i = 0; i < keys.size(); ++i) {
    const double below = bracket.below + sums[i];
    if (below > shares.mass) {
      result.last = keys[i] - 1;
      break;
    }
    result.first = keys[i];
    result.below = below;
  }
  return result;
}

/// How many of `count` equal shares still fit into the mass.
int64_t num_that_fit(float share, int64_t count, double below, double mass) {
  const auto fits = [&](int64_t num) { return below + static_cast<double>(num) * share <= mass; };
  const double quotient = std::clamp((mass - below) / share, 0.0, static_cast<double>(count));
  int64_t num = static_cast<int64_t>(quotient);
  while (num > 0 && !fits(num)) --num;
  while (num < count && fits(num + 1)) ++num;
  return num;
}

}  // namespace

TopPCut find_top_p_cut(const float* shares, int64_t count, double sum, double top_p) {
  const double mass = (1.0 - top_p) * sum;
  // All shares below (1 - p) / n together stay within 1 - p.
  const float floor = static_cast<float>(mass / static_cast<double>(count));
  Bracket bracket;
  bracket = narrowed(bracket, {shares, count, mass}, std::min(key_of(floor), bracket.last));
  TokenList inside(count);
  inside.collect(shares, count, {share_of(bracket.first), share_of(bracket.last)});
  while (!bracket.is_single() && inside.size() > 1) {
    bracket = narrowed(bracket, {inside.values(), inside.size(), mass}, bracket.first + 1);
    inside.collect(inside.values(), inside.size(), {share_of(bracket.first), share_of(bracket.last)});
  }
  if (inside.empty()) return {share_of(bracket.first), 0};
  const float share = inside.values()[0];
  const int64_t num_equal = inside.size() - (share == 1.0F ? 1 : 0);
  return {share, num_that_fit(share, num_equal, bracket.below, mass)};
}

}  // namespace spyhop
