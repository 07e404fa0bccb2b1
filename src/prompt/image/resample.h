// Pillow's bicubic resampling of 8-bit images.
#pragma once

#include "prompt/image.h"
#include "prompt/image/resample_kernels.h"

namespace spyhop {

/// `image` at width x height, bit-equal with Pillow's Image.resize(..., BICUBIC): a horizontal and a vertical pass in fixed
/// point with the intermediate rounded to 8 bits, antialiased where it shrinks. All four sides are at least 1.
RgbImage resize_bicubic(const RgbImage& image, int width, int height, const ResampleKernels& kernels = best_resample_kernels());

}  // namespace spyhop
