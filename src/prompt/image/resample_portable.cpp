// The resampler's inner loops in plain C++.
#include <algorithm>
#include <vector>

#include "prompt/image/resample_kernels.h"

namespace spyhop {
namespace {

uint8_t to_sample(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kResampleBits, 0, 255));
}

void horizontal(PixelRows rows, int /*width*/, int num_rows, const ResampleWindows& windows, uint8_t* out) {
  for (int y = 0; y < num_rows; ++y, rows.data += rows.stride) {
    for (int x = 0; x < windows.size(); ++x, out += 3) {
      const ResampleWindow window = windows[x];
      const uint8_t* in = rows.data + static_cast<size_t>(window.first) * 3;
      int32_t red = kResampleHalf;
      int32_t green = kResampleHalf;
      int32_t blue = kResampleHalf;
      for (int i = 0; i < window.count; ++i, in += 3) {
        red += window.weights[i] * in[0];
        green += window.weights[i] * in[1];
        blue += window.weights[i] * in[2];
      }
      out[0] = to_sample(red);
      out[1] = to_sample(green);
      out[2] = to_sample(blue);
    }
  }
}

void vertical(PixelRows rows, const ResampleWindow& window, uint8_t* out) {
  constexpr size_t kBlock = 1024;  // sums that stay in the first-level cache
  int32_t sums[kBlock];
  for (size_t begin = 0; begin < rows.stride; begin += kBlock) {
    const size_t count = std::min(kBlock, rows.stride - begin);
    std::fill_n(sums, count, kResampleHalf);
    const uint8_t* row = rows.data + begin;
    for (int i = 0; i < window.count; ++i, row += rows.stride) {
      const int32_t weight = window.weights[i];
      for (size_t j = 0; j < count; ++j) sums[j] += weight * row[j];
    }
    for (size_t j = 0; j < count; ++j) out[begin + j] = to_sample(sums[j]);
  }
}

}  // namespace

const ResampleKernels& portable_resample_kernels() {
  static const ResampleKernels kKernels{horizontal, vertical};
  return kKernels;
}

const ResampleKernels& best_resample_kernels() {
  static const ResampleKernels* const kAvx2 = avx2_resample_kernels();
  return kAvx2 != nullptr ? *kAvx2 : portable_resample_kernels();
}

}  // namespace spyhop
