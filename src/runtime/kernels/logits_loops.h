// The passes over logits in the compiler's vector types, for the files that compile them for one instruction set each. Those
// are compiled without contraction of products and sums.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "runtime/kernels/logits.h"
#include "runtime/kernels/simd.h"

namespace spyhop::kernels::loops {

constexpr int kLanes = 16;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Vectors of kBytes, as wide as a register.
template <int kBytes>
struct Register {
  static constexpr int kFloats = kBytes / 4;
  static constexpr int kDoubles = kBytes / 8;
  typedef float Floats __attribute__((vector_size(kBytes)));
  typedef float HalfFloats __attribute__((vector_size(kBytes / 2)));
  typedef double Doubles __attribute__((vector_size(kBytes)));
  typedef uint32_t Words __attribute__((vector_size(kBytes)));
};

/// The lanes of a sum in f64.
template <int kBytes>
struct LaneSums {
  using Doubles = typename Register<kBytes>::Doubles;
  static constexpr int kParts = kLanes / Register<kBytes>::kDoubles;

  Doubles parts[kParts] = {};

  SPYHOP_INLINE void add(const Doubles (&values)[kParts]) {
#pragma GCC unroll 8
    for (int part = 0; part < kParts; ++part) parts[part] += values[part];
  }

  SPYHOP_INLINE void add_below(const Doubles (&values)[kParts], double threshold) {
#pragma GCC unroll 8
    for (int part = 0; part < kParts; ++part) parts[part] += values[part] < threshold ? values[part] : Doubles{};
  }

  SPYHOP_INLINE double total() const {
    double lanes[kLanes];
    std::memcpy(lanes, parts, sizeof lanes);
    for (int half = kLanes / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
  }
};

/// The next kLanes values in f64.
template <int kBytes>
SPYHOP_INLINE void widen(const float* values, typename Register<kBytes>::Doubles (&wide)[LaneSums<kBytes>::kParts]) {
  using R = Register<kBytes>;
#pragma GCC unroll 8
  for (int part = 0; part < LaneSums<kBytes>::kParts; ++part) {
    typename R::HalfFloats narrow;
    std::memcpy(&narrow, values + part * R::kDoubles, sizeof narrow);
    wide[part] = __builtin_convertvector(narrow, typename R::Doubles);
  }
}

/// The block at `values`, in `buffer` where there are fewer than kLogitBlock left.
SPYHOP_INLINE const float* whole_block(const float* values, int64_t left, float padding, float* buffer) {
  if (left >= kLogitBlock) return values;
  std::memcpy(buffer, values, static_cast<size_t>(left) * sizeof *values);
  std::fill(buffer + left, buffer + kLogitBlock, padding);
  return buffer;
}

template <int kBytes>
SPYHOP_INLINE float block_maximum(const float* values) {
  using R = Register<kBytes>;
  constexpr int kParts = 4;
  typename R::Floats best[kParts];
  for (int part = 0; part < kParts; ++part) best[part] = typename R::Floats{} + kLowest;
  for (int64_t i = 0; i < kLogitBlock; i += kParts * R::kFloats) {
#pragma GCC unroll 4
    for (int part = 0; part < kParts; ++part) {
      typename R::Floats value;
      std::memcpy(&value, values + i + part * R::kFloats, sizeof value);
      best[part] = value > best[part] ? value : best[part];  // false for NaN
    }
  }
  for (int half = kParts / 2; half > 0; half /= 2) {
    for (int part = 0; part < half; ++part) best[part] = best[part] > best[part + half] ? best[part] : best[part + half];
  }
  float lanes[R::kFloats];
  std::memcpy(lanes, best, sizeof lanes);
  for (int half = R::kFloats / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] = lanes[lane] > lanes[lane + half] ? lanes[lane] : lanes[lane + half];
  }
  return lanes[0];
}

template <int kBytes>
SPYHOP_INLINE float maximum(const float* values, int64_t count, float* block_maxima) {
  alignas(64) float buffer[kLogitBlock];
  float best = kLowest;
  for (int64_t begin = 0; begin < count; begin += kLogitBlock) {
    const float block = block_maximum<kBytes>(whole_block(values + begin, count - begin, kLowest, buffer));
    block_maxima[begin / kLogitBlock] = block;
    best = block > best ? block : best;
  }
  return best;
}

template <int kBytes>
SPYHOP_INLINE double block_sum(const float* values) {
  LaneSums<kBytes> sums;
  for (int64_t i = 0; i < kLogitBlock; i += kLanes) {
    typename Register<kBytes>::Doubles wide[LaneSums<kBytes>::kParts];
    widen<kBytes>(values + i, wide);
    sums.add(wide);
  }
  return sums.total();
}

template <int kBytes>
SPYHOP_INLINE void sum_blocks(const float* values, int64_t count, double* block_sums) {
  alignas(64) float buffer[kLogitBlock];
  for (int64_t begin = 0; begin < count; begin += kLogitBlock) {
    block_sums[begin / kLogitBlock] = block_sum<kBytes>(whole_block(values + begin, count - begin, 0.0F, buffer));
  }
}

/// simd::exp_approx for what is not above 0, to the bit; 0 for NaN. Vectors of this size are not passed by value.
template <int kBytes>
SPYHOP_INLINE void exp_in_place(typename Register<kBytes>::Floats& x) {
  using Floats = typename Register<kBytes>::Floats;
  using Words = typename Register<kBytes>::Words;
  const Floats shifted = x * 1.44269504F + 12582912.0F;  // the nearest integer is in the low bits of the mantissa
  const Floats n = shifted - 12582912.0F;
  const Floats r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Floats p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const Floats fraction = p * r * r + r + 1.0F;
  Words bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + (127U - 0x4b400000U)) << 23;
  Floats power;
  std::memcpy(&power, &bits, sizeof power);
  x = x >= -87.33654F ? fraction * power : Floats{};  // what comes of smaller ones and of NaN has no meaning
}

template <int kBytes>
SPYHOP_INLINE void block_shares(const float* logits, const ShareScale& scale, float* shares) {
  using R = Register<kBytes>;
  for (int64_t i = 0; i < kLogitBlock; i += R::kFloats) {
    typename R::Floats value;
    std::memcpy(&value, logits + i, sizeof value);
    value = value / scale.temperature - scale.best;
    exp_in_place<kBytes>(value);
    std::memcpy(shares + i, &value, sizeof value);
  }
}

template <int kBytes>
SPYHOP_INLINE void shares(const float* logits, int64_t count, const ShareScale& scale, float* shares, double* block_sums) {
  alignas(64) float input[kLogitBlock];
  alignas(64) float result[kLogitBlock];
  for (int64_t begin = 0; begin < count; begin += kLogitBlock) {
    const int64_t left = std::min(kLogitBlock, count - begin);
    block_shares<kBytes>(whole_block(logits + begin, left, kLowest, input), scale, result);
    block_sums[begin / kLogitBlock] = block_sum<kBytes>(result);
    if (shares != nullptr) std::memcpy(shares + begin, result, static_cast<size_t>(left) * sizeof *shares);
  }
}

template <int kBytes>
SPYHOP_INLINE void sums_below(const float* values, int64_t count, const float* thresholds, double* sums) {
  alignas(64) float buffer[kLogitBlock];
  LaneSums<kBytes> below[kNumThresholds];
  for (int64_t begin = 0; begin < count; begin += kLogitBlock) {
    const float* block = whole_block(values + begin, count - begin, 0.0F, buffer);
    for (int64_t i = 0; i < kLogitBlock; i += kLanes) {
      typename Register<kBytes>::Doubles wide[LaneSums<kBytes>::kParts];
      widen<kBytes>(block + i, wide);
#pragma GCC unroll 4
      for (int t = 0; t < kNumThresholds; ++t) below[t].add_below(wide, thresholds[t]);
    }
  }
  for (int t = 0; t < kNumThresholds; ++t) sums[t] = below[t].total();
}

SPYHOP_INLINE int64_t collect(const float* values, int64_t count, const ValueRange& range, int32_t* positions, float* found) {
  constexpr int64_t kGroup = 64;
  const float least = range.least;
  const float most = range.most;
  int64_t num_found = 0;
  for (int64_t begin = 0; begin < count; begin += kGroup) {
    const int64_t end = std::min(begin + kGroup, count);
    int num_here = 0;
    for (int64_t i = begin; i < end; ++i) num_here += (values[i] >= least) & (values[i] <= most);
    if (num_here == 0) continue;
    for (int64_t i = begin; i < end; ++i) {  // without a branch, which would be guessed wrong every other time
      const float value = values[i];
      positions[num_found] = static_cast<int32_t>(i);
      found[num_found] = value;
      num_found += (value >= least) & (value <= most);
    }
  }
  return num_found;
}

}  // namespace spyhop::kernels::loops
