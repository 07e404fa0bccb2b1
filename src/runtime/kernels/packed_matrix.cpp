#include "runtime/kernels/packed_matrix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/host_memory.h"
#include "runtime/kernels/check.h"
#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/quantize.h"
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

/// Whether every byte of a panel is written by pack_rows.
bool fills_panels(const PackedShape& shape, int64_t element_bytes) {
  return shape.out % shape.columns_per_panel() == 0 && shape.in * element_bytes % kStepBytes == 0;
}

void pack_panels(const PackedShape& shape, const Source& first, const Source& second, char* panels) {
  parallel_for(shape.num_panels(), [&](int64_t index) {
    char* const panel = panels + index * shape.panel_bytes();
    const int64_t begin = index * shape.columns_per_panel();
    const int64_t count = std::min(shape.columns_per_panel(), shape.out - begin);
    if (!fills_panels(shape, first.element_bytes)) std::memset(panel, 0, static_cast<size_t>(shape.panel_bytes()));
    pack_rows(first, begin, count, 0, panel);
    if (shape.is_gated) pack_rows(second, begin, count, kHalfTile, panel);
  });
}

WeightRows weight_rows(const Source& source, int64_t begin, int64_t count) {
  return {source.data + begin * source.row_bytes,
          source.row_bytes,
          source.column_bytes,
          count,
          source.in,
          source.element_bytes == 2};
}

void quantize_panels(const PackedShape& shape, const Source& first, const Source& second, char* panels, uint16_t* scales) {
  parallel_for(shape.num_panels(), [&](int64_t index) {
    QuantizedPanel panel{shape.format, reinterpret_cast<uint8_t*>(panels) + index * shape.panel_bytes(),
                         scales + index * shape.num_groups() * kTileColumns};
    const int64_t begin = index * shape.columns_per_panel();
    const int64_t count = std::min(shape.columns_per_panel(), shape.out - begin);
    if (shape.is_gated) {
      quantize_rows_into(panel, 0, kHalfTile, weight_rows(first, begin, count));
      quantize_rows_into(panel, kHalfTile, kHalfTile, weight_rows(second, begin, count));
    } else {
      quantize_rows_into(panel, 0, kTileColumns, weight_rows(first, begin, count));
    }
  });
}

}  // namespace

PackedFormat plain_format(at::ScalarType type) {
  return type == at::kFloat ? PackedFormat::kF32 : PackedFormat::kBf16;
}

bool is_quantized(PackedFormat format) {
  return format == PackedFormat::kInt8 || format == PackedFormat::kInt4;
}

int64_t PackedShape::num_steps() const {
  switch (format) {
    case PackedFormat::kF32:
      return in;
    case PackedFormat::kBf16:
      return (in + 1) / 2;
    default:
      return num_groups() * kQuantizedGroup / kStepBytes;
  }
}

int64_t PackedShape::num_groups() const {
  return is_quantized(format) ? (in + kQuantizedGroup - 1) / kQuantizedGroup : 0;
}

int64_t PackedShape::panel_bytes() const {
  return num_steps() * kTileColumns * kStepBytes / (format == PackedFormat::kInt4 ? 2 : 1);
}

int64_t packed_bytes(PackedFormat format, int64_t in, int64_t out) {
  return PackedShape{format, in, out, /*is_gated=*/false}.num_bytes();
}

PackedMatrix::PackedMatrix(const PackedShape& shape, at::Tensor panels, at::Tensor scales)
    : shape_(shape), panels_(std::move(panels)), scales_(std::move(scales)), panel_bytes_(shape.panel_bytes()) {
  require(static_cast<int64_t>(panels_.nbytes()) >= shape.num_panels() * shape.panel_bytes() && panels_.is_contiguous(),
          "panels of another size");
  panel_data_ = static_cast<const char*>(panels_.data_ptr());
  if (!is_quantized(shape.format)) return;
  require(static_cast<int64_t>(scales_.nbytes()) == shape.num_panels() * shape.panel_scale_bytes() && scales_.is_contiguous(),
          "scales of another size");
  scale_data_ = static_cast<const char*>(scales_.data_ptr());
}

PackedMatrix::PackedMatrix(const at::Tensor& first, const at::Tensor& second, const PackedShape& shape)
    : PackedMatrix(shape, allocate_tensor({std::max<int64_t>(1, shape.num_panels() * shape.panel_bytes())}, at::kByte),
                   is_quantized(shape.format)
                       ? allocate_tensor({shape.num_panels(), shape.num_groups(), kTileColumns}, at::kBFloat16)
                       : at::Tensor()) {
  require(first.dim() == 2 && is_compute_type(first) && on_cpu(first), "a packed matrix is [out, in], bf16 or f32 on the CPU");
  require(is_quantized(shape.format) || shape.format == plain_format(first.scalar_type()),
          "a matrix is packed in its own type");
  require(second.sizes() == first.sizes() && second.scalar_type() == first.scalar_type(),
          "a gated matrix takes two weights of one shape");
  char* const panels = static_cast<char*>(panels_.data_ptr());
  if (is_quantized(shape.format)) {
    quantize_panels(shape, Source(first), Source(second), panels, static_cast<uint16_t*>(scales_.data_ptr()));
  } else {
    pack_panels(shape, Source(first), Source(second), panels);
  }
}

PackedMatrix::PackedMatrix(const at::Tensor& weight) : PackedMatrix(weight, plain_format(weight.scalar_type())) {}

PackedMatrix::PackedMatrix(const at::Tensor& weight, PackedFormat format)
    : PackedMatrix(weight, weight, {format, weight.size(1), weight.size(0), /*is_gated=*/false}) {}

PackedMatrix PackedMatrix::gated(const at::Tensor& gate, const at::Tensor& up) {
  return gated(gate, up, plain_format(gate.scalar_type()));
}

PackedMatrix PackedMatrix::gated(const at::Tensor& gate, const at::Tensor& up, PackedFormat format) {
  return PackedMatrix(gate, up, {format, gate.size(1), gate.size(0), /*is_gated=*/true});
}

}  // namespace spyhop::kernels
