#include "prompt/image/resample_windows.h"

#include <algorithm>
#include <cmath>

namespace spyhop {
namespace {

/// Keys' cubic with a = -0.5.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

int32_t to_fixed_point(double weight) {
  const double scaled = weight * (1 << kResampleBits);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

}  // namespace

// The order of the operations in double is Pillow's: it decides the last bit of a weight.
ResampleWindows::ResampleWindows(int in_size, int out_size) : bounds_(static_cast<size_t>(out_size)) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = 2.0 * filter_scale;
  stride_ = (static_cast<size_t>(std::ceil(support)) * 2 + 1 + 3) / 4 * 4;
  weights_.resize(bounds_.size() * stride_);
  std::vector<double> exact(stride_);
  for (int out = 0; out < out_size; ++out) {
    const double center = (out + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int count = std::min(in_size, static_cast<int>(center + support + 0.5)) - first;
    double sum = 0.0;
    for (int i = 0; i < count; ++i) {
      const double weight = bicubic((i + first - center + 0.5) * (1.0 / filter_scale));
      exact[static_cast<size_t>(i)] = weight;
      sum += weight;
    }
    int32_t* weights = &weights_[static_cast<size_t>(out) * stride_];
    for (int i = 0; i < count; ++i) weights[i] = to_fixed_point(exact[static_cast<size_t>(i)] / sum);
    bounds_[static_cast<size_t>(out)] = {first, count};
  }
}

}  // namespace spyhop
