#include "prompt/resample.h"

#include <algorithm>
#include <cmath>

namespace spyhop {
namespace {

constexpr int kPrecisionBits = 22;  // of a weight; products with 8-bit samples and their sums stay within 32 bits
constexpr int32_t kHalf = int32_t{1} << (kPrecisionBits - 1);

/// For each output position the input positions [first, first + count) and their fixed-point weights.
struct Window {
  int first = 0;
  int count = 0;
  const int32_t* weights = nullptr;
};

/// Keys' cubic with a = -0.5.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The windows of one axis.
class Windows {
 public:
  Windows(int in_size, int out_size) {
    const double scale = static_cast<double>(in_size) / out_size;
    const double filter_scale = std::max(scale, 1.0);
    const double support = 2.0 * filter_scale;
    max_count_ = static_cast<int>(std::ceil(support)) * 2 + 1;
    bounds_.resize(static_cast<size_t>(out_size));
    weights_.resize(static_cast<size_t>(out_size) * static_cast<size_t>(max_count_));
    std::vector<double> exact(static_cast<size_t>(max_count_));
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
      bounds_[static_cast<size_t>(out)] = {first, count};
      for (int i = 0; i < count; ++i) {
        const double weight = exact[static_cast<size_t>(i)];
        weights_[index(out) + static_cast<size_t>(i)] = to_fixed(sum != 0.0 ? weight / sum : weight);
      }
    }
  }

  Window operator[](int out) const {
    const Bounds& bounds = bounds_[static_cast<size_t>(out)];
    return {bounds.first, bounds.count, &weights_[index(out)]};
  }

 private:
  struct Bounds {
    int first, count;
  };
  static int32_t to_fixed(double weight) {
    const double scaled = weight * (1 << kPrecisionBits);
    return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  }
  size_t index(int out) const { return static_cast<size_t>(out) * static_cast<size_t>(max_count_); }

  int max_count_ = 0;
  std::vector<Bounds> bounds_;
  std::vector<int32_t> weights_;
};

uint8_t to_sample(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

RgbImage resize_horizontally(const RgbImage& image, int width) {
  const Windows windows(image.width, width);
  RgbImage result{width, image.height,
                  std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(image.height) * 3)};
  uint8_t* out = result.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* row = image.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(image.width) * 3;
    for (int x = 0; x < width; ++x, out += 3) {
      const Window window = windows[x];
      const uint8_t* in = row + static_cast<ptrdiff_t>(window.first) * 3;
      int32_t r = kHalf, g = kHalf, b = kHalf;
      for (int i = 0; i < window.count; ++i, in += 3) {
        r += window.weights[i] * in[0];
        g += window.weights[i] * in[1];
        b += window.weights[i] * in[2];
      }
      out[0] = to_sample(r);
      out[1] = to_sample(g);
      out[2] = to_sample(b);
    }
  }
  return result;
}

RgbImage resize_vertically(const RgbImage& image, int height) {
  const Windows windows(image.height, height);
  const size_t row_bytes = static_cast<size_t>(image.width) * 3;
  RgbImage result{image.width, height, std::vector<uint8_t>(row_bytes * static_cast<size_t>(height))};
  std::vector<int32_t> sums(row_bytes);
  for (int y = 0; y < height; ++y) {
    const Window window = windows[y];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int i = 0; i < window.count; ++i) {
      const int32_t weight = window.weights[i];
      const uint8_t* row = image.pixels.data() + static_cast<size_t>(window.first + i) * row_bytes;
      for (size_t j = 0; j < row_bytes; ++j) sums[j] += weight * row[j];
    }
    uint8_t* out = result.pixels.data() + static_cast<size_t>(y) * row_bytes;
    for (size_t j = 0; j < row_bytes; ++j) out[j] = to_sample(sums[j]);
  }
  return result;
}

}  // namespace

RgbImage resize_bicubic(const RgbImage& image, int width, int height) {
  if (image.width == width && image.height == height) return image;
  if (image.width == width) return resize_vertically(image, height);
  RgbImage narrowed = resize_horizontally(image, width);
  return image.height == height ? narrowed : resize_vertically(narrowed, height);
}

}  // namespace spyhop
