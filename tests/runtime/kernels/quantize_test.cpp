#include "runtime/kernels/quantize.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../tensors.h"
#include "every_instruction_set.h"
#include "runtime/kernels/linear.h"
#include "runtime/thread_pool.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using kernels::PackedFormat;
using kernels::PackedMatrix;
using testing::for_every_instruction_set;
using testing::kBf16Ulp;
using testing::random_tensor;
using testing::relative_difference;

const std::vector<PackedFormat> kFormats = {PackedFormat::kInt8, PackedFormat::kInt4};

/// The weight that a packed matrix stands for, [out, in] in double: read back by the layout that packed_matrix.h describes.
at::Tensor unpacked(const PackedMatrix& matrix, int64_t first_column) {
  const kernels::PackedShape& shape = matrix.shape();
  at::Tensor weight = at::zeros({shape.out, shape.in}, at::kDouble);
  auto to = weight.accessor<double, 2>();
  const at::Tensor scales = matrix.scales().to(at::kDouble);
  const auto scale = scales.accessor<double, 3>();
  for (int64_t o = 0; o < shape.out; ++o) {
    const int64_t panel = o / shape.columns_per_panel();
    const int64_t column = first_column + o % shape.columns_per_panel();
    const auto* const bytes = reinterpret_cast<const uint8_t*>(matrix.panel(panel));
    for (int64_t i = 0; i < shape.in; ++i) {
      const int64_t group = i / 64;
      const int64_t step = i % 64 / 4;
      int value;
      if (shape.format == PackedFormat::kInt8) {
        value = bytes[((group * 16 + step) * 32 + column) * 4 + i % 4] - 128;
      } else {
        const uint8_t pair = bytes[(((group * 8 + step / 2) * 2 + column / 16) * 16 + column % 16) * 4 + i % 4];
        value = (step % 2 == 0 ? pair & 15 : pair >> 4) - 8;
      }
      to[o][i] = value * scale[panel][group][column];
    }
  }
  return weight;
}

/// Activations as they are after quantization, in double, by plain arithmetic.
at::Tensor requantized(const at::Tensor& x) {
  at::Tensor result = x.to(at::kDouble).clone();
  auto values = result.accessor<double, 2>();
  for (int64_t row = 0; row < x.size(0); ++row) {
    for (int64_t first = 0; first < x.size(1); first += 64) {
      const int64_t end = std::min(first + 64, x.size(1));
      float most = 0;
      for (int64_t i = first; i < end; ++i) most = std::max(most, std::fabs(static_cast<float>(values[row][i])));
      if (most == 0) continue;
      for (int64_t i = first; i < end; ++i) {
        const float inverse = 127.0F / most;
        values[row][i] = std::nearbyint(static_cast<float>(values[row][i]) * inverse) * static_cast<double>(most / 127.0F);
      }
    }
  }
  return result;
}

struct Shape {
  int64_t rows, in, out;
};

const std::vector<Shape> kShapes = {{1, 64, 32},  {1, 1, 1},    {1, 1280, 100}, {2, 100, 17}, {3, 63, 31},  {4, 128, 64},
                                    {5, 65, 96},  {6, 192, 33}, {7, 896, 16},   {8, 64, 48},  {11, 320, 5}, {12, 256, 70},
                                    {13, 64, 40}, {25, 130, 9}, {64, 72, 64},   {100, 44, 1}};

TEST(Quantize, ProductsAreThoseOfTheIntegersAndScalesThatAreStored) {
  for_every_instruction_set([] {
    for (const PackedFormat format : kFormats) {
      for (const Shape& shape : kShapes) {
        const at::Tensor x = random_tensor({shape.rows, shape.in}, 1);
        const PackedMatrix packed(random_tensor({shape.out, shape.in}, 2), format);
        const at::Tensor expected = at::mm(requantized(x), unpacked(packed, 0).t());
        EXPECT_LT(relative_difference(kernels::linear(x, packed), expected), 3e-6) << shape.rows << " " << shape.in;
        const at::Tensor half = x.to(at::kBFloat16);
        const at::Tensor expected_half = at::mm(requantized(half), unpacked(packed, 0).t());
        EXPECT_LT(relative_difference(kernels::linear(half, packed), expected_half), kBf16Ulp) << shape.rows << " " << shape.in;
      }
    }
  });
}

TEST(Quantize, WeightsAreWithinHalfAStepOfTheOriginal) {
  const at::Tensor weight = random_tensor({70, 200}, 3);
  const at::Tensor original = weight.to(at::kDouble);
  const PackedMatrix packed(weight, PackedFormat::kInt8);
  const at::Tensor difference = (unpacked(packed, 0) - original).abs();
  for (int64_t o = 0; o < 70; ++o) {
    for (int64_t first = 0; first < 200; first += 64) {
      const int64_t count = std::min<int64_t>(64, 200 - first);
      const double most = original[o].narrow(0, first, count).abs().max().item<double>();
      // Half a step, and what rounding the scale to bf16 can take from the largest value.
      EXPECT_LE(difference[o].narrow(0, first, count).max().item<double>(), most / 127 * (0.5 + 127.0 / 256));
    }
  }
}

double relative_error(const at::Tensor& weight, PackedFormat format) {
  const at::Tensor original = weight.to(at::kDouble);
  return ((unpacked(PackedMatrix(weight, format), 0) - original).norm() / original.norm()).item<double>();
}

/// For normally distributed values the best uniform quantizer with 16 levels for the whole distribution has a relative error of
/// 0.1074 (Max 1960, mean square error 0.01154); a scale for each 64 values does better than one for all. 8 bits: about 2.4
/// sigma / 127 / sqrt(12) = 0.0055.
TEST(Quantize, ErrorsOnNormalValuesAreThoseOfGoodQuantizers) {
  at::manual_seed(11);
  const at::Tensor weight = at::randn({256, 1280});
  EXPECT_LT(relative_error(weight, PackedFormat::kInt4), 0.1074);
  EXPECT_LT(relative_error(weight, PackedFormat::kInt8), 0.0065);
  EXPECT_LT(relative_error(weight.to(at::kBFloat16), PackedFormat::kInt4), 0.1074);
}

TEST(Quantize, ZerosAndSinglePeaksAreExact) {
  for (const PackedFormat format : kFormats) {
    at::Tensor weight = at::zeros({40, 128});
    weight[3][70] = -2.5F;
    weight[39][127] = 0.75F;
    EXPECT_TRUE(at::allclose(unpacked(PackedMatrix(weight, format), 0), weight.to(at::kDouble), 1.0 / 256, 0));
  }
}

TEST(Quantize, StridedWeightsAreReadRight) {
  for (const PackedFormat format : kFormats) {
    const at::Tensor weight = random_tensor({96, 130}, 4);
    const at::Tensor transposed = weight.t();
    EXPECT_TRUE(
        at::equal(unpacked(PackedMatrix(transposed, format), 0), unpacked(PackedMatrix(transposed.contiguous(), format), 0)));
  }
}

TEST(Quantize, GatedPairsAreTheirHalves) {
  for_every_instruction_set([] {
    for (const PackedFormat format : kFormats) {
      const at::Tensor x = random_tensor({5, 192}, 5);
      const at::Tensor gate = random_tensor({50, 192}, 6);
      const at::Tensor up = random_tensor({50, 192}, 7);
      const at::Tensor g = kernels::linear(x, PackedMatrix(gate, format));
      const at::Tensor u = kernels::linear(x, PackedMatrix(up, format));
      EXPECT_LT(relative_difference(kernels::linear(x, PackedMatrix::gated(gate, up, format)), g * at::sigmoid(g) * u), 3e-6);
    }
  });
}

TEST(Quantize, ARowsBitsDoNotDependOnTheOthersNorOnTheThreads) {
  for_every_instruction_set([] {
    for (const PackedFormat format : kFormats) {
      const at::Tensor x = random_tensor({70, 384}, 9, at::kBFloat16);
      const PackedMatrix weight(random_tensor({200, 384}, 10, at::kBFloat16), format);
      const at::Tensor together = kernels::linear(x, weight);
      ThreadPool pool(3);
      const UsePool use_pool(pool);
      EXPECT_TRUE(at::equal(together, kernels::linear(x, weight)));
      for (const int64_t count : {1, 2, 5, 6, 7, 11, 12, 13, 25}) {
        for (int64_t first = 0; first + count <= 70; first += 19) {
          EXPECT_TRUE(at::equal(together.narrow(0, first, count), kernels::linear(x.narrow(0, first, count), weight)));
        }
      }
    }
  });
}

TEST(Quantize, TasksThatShareRowsAndTasksThatDoNot) {
  for (const PackedFormat format : kFormats) {
    const at::Tensor x = random_tensor({30, 128}, 12, at::kBFloat16);
    const at::Tensor other = random_tensor({7, 64}, 13, at::kBFloat16);
    const PackedMatrix a(random_tensor({40, 128}, 14), format);
    const PackedMatrix b(random_tensor({90, 128}, 15), format);
    const PackedMatrix c(random_tensor({33, 64}, 16), format);
    const at::Tensor ya = at::empty({30, 40}, x.options());
    const at::Tensor yb = at::empty({30, 90}, x.options());
    const at::Tensor yc = at::empty({7, 33}, x.options());
    kernels::linear({kernels::linear_task(x, a, ya), kernels::linear_task(x, b, yb), kernels::linear_task(other, c, yc)});
    EXPECT_TRUE(at::equal(ya, kernels::linear(x, a)));
    EXPECT_TRUE(at::equal(yb, kernels::linear(x, b)));
    EXPECT_TRUE(at::equal(yc, kernels::linear(other, c)));
  }
}

TEST(Quantize, TheBytesAreThoseOfTheShape) {
  EXPECT_EQ(kernels::packed_bytes(PackedFormat::kBf16, 1280, 64), 1280 * 64 * 2);
  EXPECT_EQ(kernels::packed_bytes(PackedFormat::kInt8, 1280, 64), 1280 * 64 * 8.25 / 8);
  EXPECT_EQ(kernels::packed_bytes(PackedFormat::kInt4, 1280, 64), 1280 * 64 * 4.25 / 8);
  for (const PackedFormat format : kFormats) {
    const PackedMatrix matrix(random_tensor({70, 200}, 3), format);
    EXPECT_EQ(matrix.num_bytes(), static_cast<int64_t>(matrix.panels().nbytes() + matrix.scales().nbytes()));
  }
}

}  // namespace
}  // namespace spyhop
