// The layers that several parts of the model are made of.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "runtime/kernels/linear.h"
#include "runtime/kernels/packed_matrix.h"
#include "runtime/weights.h"

namespace spyhop {

/// y = x W^T (+ b). On the CPU the weight is repacked and the original let go.
class Linear {
 public:
  /// Reads PREFIX.weight and, when asked, PREFIX.bias.
  Linear(const Weights& weights, const std::string& prefix, bool has_bias = false);

  /// weight: [out, in] at any strides; bias: [out] or undefined.
  explicit Linear(const at::Tensor& weight, at::Tensor bias = {});

  /// x: [num_rows, in]. Returns [num_rows, out].
  at::Tensor forward(const at::Tensor& x) const;

  /// gelu_tanh(forward(x)).
  at::Tensor forward_gelu(const at::Tensor& x) const;

  /// Writes forward(x) into y; on the CPU as a task for kernels::linear.
  kernels::LinearTask task(const at::Tensor& x, const at::Tensor& y) const;

  int64_t in() const { return weight_.defined() ? weight_.size(1) : packed_.in(); }
  int64_t out() const { return weight_.defined() ? weight_.size(0) : packed_.out(); }

 private:
  kernels::PackedMatrix packed_;  // on the CPU
  at::Tensor weight_;             // elsewhere
  at::Tensor bias_;
};

/// All layers over the same rows x, in one parallel loop.
std::vector<at::Tensor> forward_together(const at::Tensor& x, const std::vector<const Linear*>& layers);

/// Layer i over x[:, i] into y[:, i]: [num_rows, layers.size(), in] and [num_rows, layers.size(), out], last elements adjacent.
void forward_each(const std::vector<Linear>& layers, const at::Tensor& x, const at::Tensor& y);

/// Source: DeepseekV2RMSNorm.
class RmsNorm {
 public:
  RmsNorm(const Weights& weights, const std::string& prefix, double eps);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  double eps_;
};

class LayerNorm {
 public:
  LayerNorm(const Weights& weights, const std::string& prefix, double eps);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  double eps_;
};

/// down(silu(gate x) * up x): dense layers, shared experts and each routed expert.
/// Source: DeepseekV2MLP.
class GatedMlp {
 public:
  GatedMlp(const Weights& weights, const std::string& prefix);

  /// x: [num_tokens, hidden]. Returns [num_tokens, hidden].
  at::Tensor forward(const at::Tensor& x) const;

  /// The two halves of forward, on the CPU: x [num_tokens, hidden] to inner [num_tokens, width], and that to y.
  kernels::LinearTask gate_up_task(const at::Tensor& x, const at::Tensor& inner) const;
  kernels::LinearTask down_task(const at::Tensor& inner, const at::Tensor& y) const;

  int64_t width() const { return down_.in(); }

 private:
  kernels::PackedMatrix gate_up_;  // on the CPU
  at::Tensor gate_;                // elsewhere
  at::Tensor up_;
  Linear down_;
};

}  // namespace spyhop
