#include "prompt/image/resample.h"

#include <gtest/gtest.h>

#include "golden_data.h"

namespace spyhop {
namespace {

/// The picture that the table's digests were made of: the high bytes of a linear congruential generator.
RgbImage noise(int width, int height) {
  RgbImage image{width, height, std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(height) * 3)};
  auto state = static_cast<uint32_t>(width * 65536 + height);
  for (uint8_t& sample : image.pixels) {
    state = state * 1664525U + 1013904223U;
    sample = static_cast<uint8_t>(state >> 24);
  }
  return image;
}

void expect_pillows_pixels(const ResampleKernels& kernels) {
  const nlohmann::json rows = golden_json("tables/pillow_resize.json").at("rows");
  ASSERT_GT(rows.size(), 50U);
  for (const auto& row : rows) {
    EXPECT_EQ(pixel_digest(resize_bicubic(noise(row[0], row[1]), row[2], row[3], kernels)), row[4]) << row;
  }
}

TEST(ResizeBicubic, IsBitEqualWithPillow) {
  expect_pillows_pixels(portable_resample_kernels());
}

TEST(ResizeBicubic, IsBitEqualWithPillowInAvx2) {
  if (avx2_resample_kernels() == nullptr) GTEST_SKIP() << "this processor has no AVX2";
  expect_pillows_pixels(*avx2_resample_kernels());
}

TEST(ResizeBicubic, GivesTheSameBitsWithEveryInstructionSetForEveryNarrowWidth) {
  if (avx2_resample_kernels() == nullptr) GTEST_SKIP() << "this processor has no AVX2";
  for (int width = 1; width <= 24; ++width) {
    const RgbImage image = noise(width, 25 - width);
    for (const int size : {1, 2, 5, 6, 17, 40}) {
      EXPECT_EQ(resize_bicubic(image, size, 41 - size, portable_resample_kernels()).pixels,
                resize_bicubic(image, size, 41 - size, *avx2_resample_kernels()).pixels)
          << width << " -> " << size;
    }
  }
}

TEST(ResizeBicubic, LeavesAnImageOfTheRightSizeAlone) {
  const RgbImage image = noise(13, 7);
  EXPECT_EQ(resize_bicubic(image, 13, 7).pixels, image.pixels);
}

}  // namespace
}  // namespace spyhop
