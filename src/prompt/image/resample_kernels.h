// The inner loops of the resampler, for each instruction set. All give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "prompt/image/resample_windows.h"

namespace spyhop {

/// 8-bit rows in memory, `stride` bytes apart.
struct PixelRows {
  const uint8_t* data = nullptr;
  size_t stride = 0;
};

struct ResampleKernels {
  /// `num_rows` rows of `width` RGB pixels -> rows of windows.size() RGB pixels, written without gaps to `out`.
  void (*horizontal)(PixelRows rows, int width, int num_rows, const ResampleWindows& windows, uint8_t* out);
  /// out[j] = the window's weighted sum over column j of `rows`, for j < rows.stride.
  void (*vertical)(PixelRows rows, const ResampleWindow& window, uint8_t* out);
};

const ResampleKernels& portable_resample_kernels();
/// Null where the processor has no AVX2.
const ResampleKernels* avx2_resample_kernels();
/// The fastest that this processor runs.
const ResampleKernels& best_resample_kernels();

}  // namespace spyhop
