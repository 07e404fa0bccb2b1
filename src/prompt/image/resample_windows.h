// The fixed-point filter weights of Pillow's bicubic resampling, for one axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spyhop {

/// Bits of a weight behind its binary point. Products with 8-bit samples and their sums stay within 32 bits.
constexpr int kResampleBits = 22;
/// What a sum of products starts with, so that the shift by kResampleBits rounds.
constexpr int32_t kResampleHalf = int32_t{1} << (kResampleBits - 1);

/// The input positions [first, first + count) that an output position is the weighted sum of.
struct ResampleWindow {
  int first = 0;
  int count = 0;
  const int32_t* weights = nullptr;  // `count` of them, and zeros up to the next multiple of 4
};

/// The windows of all output positions of an axis.
class ResampleWindows {
 public:
  /// Both sizes are at least 1.
  ResampleWindows(int in_size, int out_size);

  int size() const { return static_cast<int>(bounds_.size()); }
  ResampleWindow operator[](int out) const {
    const Bounds& bounds = bounds_[static_cast<size_t>(out)];
    return {bounds.first, bounds.count, &weights_[static_cast<size_t>(out) * stride_]};
  }

 private:
  struct Bounds {
    int first, count;
  };

  size_t stride_ = 0;  // weights kept per window
  std::vector<Bounds> bounds_;
  std::vector<int32_t> weights_;
};

}  // namespace spyhop
