// A weight in the order in which the kernels read it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace spyhop::kernels {

/// The weight of y = x W^T, [out, in], repacked into panels of 32 columns of y: [out / 32][in / s][32][s] with s = 2 for bf16
/// and 1 for f32, so that a panel is one stream of memory whatever the number of rows of x. What is missing of the last panel
/// and of an odd last step is zero. Copies share the memory; it is never written again.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  /// weight: [out, in], bf16 or f32 on the CPU, at any strides. Packs on the calling thread's pool.
  explicit PackedMatrix(const at::Tensor& weight);

  /// Two weights of one shape [width, in] side by side: the first 16 columns of panel p are rows 16p.. of `gate`, the others
  /// those of `up`. For gated_linear.
  static PackedMatrix gated(const at::Tensor& gate, const at::Tensor& up);

  at::ScalarType type() const { return data_.scalar_type(); }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }  // of a gated one: width
  bool is_gated() const { return is_gated_; }
  int64_t num_steps() const { return num_steps_; }
  int64_t num_panels() const { return num_panels_; }
  int64_t columns_per_panel() const { return is_gated_ ? 16 : 32; }
  int64_t num_bytes() const;
  const char* panel(int64_t index) const;

 private:
  PackedMatrix(const at::Tensor& first, const at::Tensor& second, bool is_gated);

  at::Tensor data_;
  int64_t in_ = 0;
  int64_t out_ = 0;
  int64_t num_steps_ = 0;
  int64_t num_panels_ = 0;
  bool is_gated_ = false;
};

}  // namespace spyhop::kernels
