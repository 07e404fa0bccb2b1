// The layers that several parts of the model are made of.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "runtime/weights.h"

namespace spyhop {

/// y = x W^T (+ b). Reads PREFIX.weight and, when asked, PREFIX.bias.
class Linear {
 public:
  Linear(const Weights& weights, const std::string& prefix, bool has_bias = false);
  at::Tensor forward(const at::Tensor& x) const;
  const at::Tensor& weight() const { return weight_; }  // [out, in]

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

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

  const at::Tensor& gate() const { return gate_; }  // [width, hidden]
  const at::Tensor& up() const { return up_; }      // [width, hidden]
  const at::Tensor& down() const { return down_; }  // [hidden, width]

 private:
  at::Tensor gate_;
  at::Tensor up_;
  at::Tensor down_;
};

}  // namespace spyhop
