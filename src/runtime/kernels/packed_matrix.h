// A weight in the order in which the kernels read it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace spyhop::kernels {

enum class PackedFormat { kF32, kBf16, kInt8, kInt4 };

constexpr int64_t kQuantizedGroup = 64;  // inputs that share a scale; divides every inner size of the three models

/// bf16 or f32.
PackedFormat plain_format(at::ScalarType type);
bool is_quantized(PackedFormat format);

/// The layout of the weight of y = x W^T, [out, in]: panels of 32 columns of y, so that a panel is one stream of memory
/// whatever the number of rows of x. What is missing of the last panel, group or step is zero.
/// - f32, bf16: panels [in / s][32][s] with s = 1 and 2: steps of 4 bytes.
/// - int8: panels [in / 64][16][32][4] of unsigned bytes that stand for value - 128, -127 to 127.
/// - int4: panels [in / 64][8][2][16][4] of bytes whose low halves are the even and whose high halves the odd steps of 4 inputs
/// of
///   16 columns, and stand for value - 8.
/// - Both have scales beside, [in / 64][32] bf16 for each panel: a weight is its integer times its scale.
/// Two gated weights of one shape lie side by side: the first 16 columns of panel p are rows 16p.. of gate, the others those of
/// up.
struct PackedShape {
  PackedFormat format = PackedFormat::kF32;
  int64_t in = 0;
  int64_t out = 0;  // of a gated one: of each half
  bool is_gated = false;

  int64_t columns_per_panel() const { return is_gated ? 16 : 32; }
  int64_t num_panels() const { return (out + columns_per_panel() - 1) / columns_per_panel(); }
  int64_t num_steps() const;   // of 4 bytes of a row of x, which are as many inputs as x's type has in them
  int64_t num_groups() const;  // 0 where there are no scales
  int64_t panel_bytes() const;
  int64_t panel_scale_bytes() const { return num_groups() * 32 * 2; }
  int64_t num_bytes() const { return num_panels() * (panel_bytes() + panel_scale_bytes()); }
};

/// Memory of a weight [out, in].
int64_t packed_bytes(PackedFormat format, int64_t in, int64_t out);

/// Copies share the memory; it is never written again.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  /// weight: [out, in], bf16 or f32 on the CPU, at any strides. Packs on the calling thread's pool.
  explicit PackedMatrix(const at::Tensor& weight);
  PackedMatrix(const at::Tensor& weight, PackedFormat format);  // its own type, or a quantized one

  /// Two weights [width, in] side by side, for y = silu(gate x) * (up x).
  static PackedMatrix gated(const at::Tensor& gate, const at::Tensor& up);
  static PackedMatrix gated(const at::Tensor& gate, const at::Tensor& up, PackedFormat format);

  /// Over memory that is packed already. panels: num_panels x panel_bytes contiguous bytes; scales: num_panels x num_groups x
  /// 32 contiguous bf16.
  PackedMatrix(const PackedShape& shape, at::Tensor panels, at::Tensor scales);

  const PackedShape& shape() const { return shape_; }
  int64_t in() const { return shape_.in; }
  int64_t out() const { return shape_.out; }
  bool is_gated() const { return shape_.is_gated; }
  int64_t num_panels() const { return shape_.num_panels(); }
  int64_t num_bytes() const { return shape_.num_bytes(); }
  const char* panel(int64_t index) const { return panel_data_ + index * panel_bytes_; }
  const char* panel_scales(int64_t index) const { return scale_data_ + index * shape_.panel_scale_bytes(); }

  const at::Tensor& panels() const { return panels_; }
  const at::Tensor& scales() const { return scales_; }

 private:
  PackedMatrix(const at::Tensor& first, const at::Tensor& second, const PackedShape& shape);

  PackedShape shape_;
  at::Tensor panels_;
  at::Tensor scales_;
  const char* panel_data_ = nullptr;
  const char* scale_data_ = nullptr;
  int64_t panel_bytes_ = 0;
};

}  // namespace spyhop::kernels
