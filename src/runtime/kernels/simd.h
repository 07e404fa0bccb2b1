// What the hand-written loops share: versions of a function per instruction set, number types, a vectorisable exp.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

// A function so marked is compiled for AVX-512, AVX2 and the baseline, and chosen once by the loader. Its loops are plain C++
// that the compiler vectorises. Not under sanitizers: the resolvers run before their runtime is up.
#if defined(__x86_64__) && defined(__linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define SPYHOP_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SPYHOP_CLONES
#endif
#define SPYHOP_INLINE inline __attribute__((always_inline))

namespace spyhop::simd {

/// A bfloat16 as the loops see it: the upper half of a float.
struct Bf16 {
  uint16_t bits;
};

SPYHOP_INLINE float to_float(float value) {
  return value;
}

SPYHOP_INLINE float to_float(Bf16 value) {
  const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

/// Rounds to nearest, ties to even; NaN stays NaN.
template <typename T>
SPYHOP_INLINE T from_float(float value);

template <>
SPYHOP_INLINE float from_float<float>(float value) {
  return value;
}

template <>
SPYHOP_INLINE Bf16 from_float<Bf16>(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? 0x7fc0U : rounded)};
}

/// The value as it is after a store in T.
template <typename T>
SPYHOP_INLINE float rounded(float value) {
  return to_float(from_float<T>(value));
}

/// exp within 2 units in the last place, without branches; 0 below -87.3, saturating at 88.3.
SPYHOP_INLINE float exp_approx(float x) {
  const float clamped = std::min(std::max(x, -87.33654F), 88.37626F);
  const float shifted =
      clamped * 1.44269504F + 12582912.0F;  // 1.5 * 2^23: the nearest integer ends up in the low mantissa bits
  const float n = shifted - 12582912.0F;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float fraction = p * r * r + r + 1.0F;
  int32_t exponent;
  std::memcpy(&exponent, &shifted, sizeof exponent);
  const uint32_t scale_bits = (static_cast<uint32_t>(exponent - 0x4b400000) + 127U) << 23;
  float scale;
  std::memcpy(&scale, &scale_bits, sizeof scale);
  return x < -87.33654F ? 0.0F : fraction * scale;
}

/// x * sigmoid(y): SiLU for y = x, GELU (tanh) for y = 2 sqrt(2/pi) (x + 0.044715 x^3).
SPYHOP_INLINE float times_sigmoid(float x, float y) {
  return x / (1.0F + exp_approx(-y));
}

/// GELU in its tanh form.
SPYHOP_INLINE float gelu_tanh(float x) {
  constexpr float kTwoRootTwoOverPi = 1.5957691216F;
  return times_sigmoid(x, kTwoRootTwoOverPi * (x + 0.044715F * x * x * x));
}

/// The raw elements of a contiguous tensor of type T.
template <typename T>
const T* data(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.data_ptr());
}

template <typename T>
T* mutable_data(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

}  // namespace spyhop::simd
