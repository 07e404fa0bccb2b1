#include "runtime/kernels/packed_matrix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "runtime/host_memory.h"
#include "runtime/kernels/check.h"
#include "runtime/kernels/dot_tile.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

constexpr int64_t kStepsAtATime = 16;  // a cache line of each row

/// Steps [begin, end) of one row of the weight, to every 32nd step of `panel`. `columns` adjacent, all of them there.
void pack_adjacent(const char* row, int64_t begin, int64_t end, char* panel) {
  for (int64_t step = begin; step < end; ++step) {
    std::memcpy(panel + step * kTileColumns * kStepBytes, row + step * kStepBytes, kStepBytes);
  }
}

/// Element by element: for rows whose elements are apart, and for the half step at the end of an odd row.
void pack_apart(const char* row, int64_t stride_bytes, int64_t element_bytes, int64_t begin, int64_t end, char* panel) {
  const int64_t per_step = kStepBytes / element_bytes;
  for (int64_t i = begin; i < end; ++i) {
    char* const step = panel + i / per_step * kTileColumns * kStepBytes;
    std::memcpy(step + i % per_step * element_bytes, row + i * stride_bytes, static_cast<size_t>(element_bytes));
  }
}

struct Source {
  const char* data;
  int64_t rows, in, element_bytes;
  int64_t row_bytes, column_bytes;  // strides

  explicit Source(const at::Tensor& weight)
      : data(static_cast<const char*>(weight.data_ptr())),
        rows(weight.size(0)),
        in(weight.size(1)),
        element_bytes(static_cast<int64_t>(weight.element_size())),
        row_bytes(weight.stride(0) * element_bytes),
        column_bytes(weight.stride(1) * element_bytes) {}
};

/// Rows [first, first + count) become columns `column`.. of a panel.
void pack_rows(const Source& source, int64_t first, int64_t count, int64_t column, char* panel) {
  const int64_t per_step = kStepBytes / source.element_bytes;
  const bool adjacent = source.column_bytes == source.element_bytes;
  const int64_t whole_steps = adjacent ? source.in / per_step : 0;
  char* const target = panel + column * kStepBytes;
  for (int64_t begin = 0; begin < whole_steps; begin += kStepsAtATime) {
    const int64_t end = std::min(begin + kStepsAtATime, whole_steps);
    for (int64_t i = 0; i < count; ++i) {
      pack_adjacent(source.data + (first + i) * source.row_bytes, begin, end, target + i * kStepBytes);
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    pack_apart(source.data + (first + i) * source.row_bytes, source.column_bytes, source.element_bytes, whole_steps * per_step,
               source.in, target + i * kStepBytes);
  }
}

}  // namespace

PackedMatrix::PackedMatrix(const at::Tensor& first, const at::Tensor& second, bool is_gated)
    : in_(first.size(1)), out_(first.size(0)), is_gated_(is_gated) {
  require(first.dim() == 2 && is_compute_type(first) && on_cpu(first), "a packed matrix is [out, in], bf16 or f32 on the CPU");
  require(!is_gated || (second.sizes() == first.sizes() && second.scalar_type() == first.scalar_type()),
          "a gated matrix takes two weights of one shape");
  const auto element_bytes = static_cast<int64_t>(first.element_size());
  num_steps_ = (in_ * element_bytes + kStepBytes - 1) / kStepBytes;
  num_panels_ = (out_ + columns_per_panel() - 1) / columns_per_panel();
  const int64_t panel_bytes = num_steps_ * kTileColumns * kStepBytes;
  data_ = allocate_tensor({std::max<int64_t>(1, num_panels_ * panel_bytes / element_bytes)}, first.scalar_type());

  const Source gate(first);
  const Source up(is_gated ? second : first);
  char* const data = static_cast<char*>(data_.data_ptr());
  parallel_for(num_panels_, [&](int64_t index) {
    char* const panel = data + index * panel_bytes;
    const int64_t begin = index * columns_per_panel();
    const int64_t count = std::min(columns_per_panel(), out_ - begin);
    if (count < columns_per_panel() || in_ * element_bytes % kStepBytes != 0) {
      std::memset(panel, 0, static_cast<size_t>(panel_bytes));
    }
    pack_rows(gate, begin, count, 0, panel);
    if (is_gated_) pack_rows(up, begin, count, kHalfTile, panel);
  });
}

PackedMatrix::PackedMatrix(const at::Tensor& weight) : PackedMatrix(weight, weight, /*is_gated=*/false) {}

PackedMatrix PackedMatrix::gated(const at::Tensor& gate, const at::Tensor& up) {
  return PackedMatrix(gate, up, /*is_gated=*/true);
}

int64_t PackedMatrix::num_bytes() const {
  return num_panels_ * num_steps_ * kTileColumns * kStepBytes;
}

const char* PackedMatrix::panel(int64_t index) const {
  return static_cast<const char*>(data_.data_ptr()) + index * num_steps_ * kTileColumns * kStepBytes;
}

}  // namespace spyhop::kernels
