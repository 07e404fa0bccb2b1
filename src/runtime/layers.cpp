#include "runtime/layers.h"

#include <ATen/ATen.h>

#include "runtime/kernels/activation.h"
#include "runtime/kernels/check.h"
#include "runtime/kernels/gemv.h"
#include "runtime/kernels/layer_norm.h"
#include "runtime/kernels/linear.h"
#include "runtime/kernels/rms_norm.h"

namespace spyhop {

Linear::Linear(const Weights& weights, const std::string& prefix, bool has_bias)
    : weight_(weights.at(prefix + ".weight")), bias_(has_bias ? weights.at(prefix + ".bias") : at::Tensor()) {}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return kernels::linear(x, weight_, bias_);
}

RmsNorm::RmsNorm(const Weights& weights, const std::string& prefix, double eps)
    : weight_(weights.at(prefix + ".weight")), eps_(eps) {}

at::Tensor RmsNorm::forward(const at::Tensor& x) const {
  return kernels::rms_norm(x, weight_, eps_);
}

LayerNorm::LayerNorm(const Weights& weights, const std::string& prefix, double eps)
    : weight_(weights.at(prefix + ".weight")), bias_(weights.at(prefix + ".bias")), eps_(eps) {}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return kernels::layer_norm(x, weight_, bias_, eps_);
}

GatedMlp::GatedMlp(const Weights& weights, const std::string& prefix)
    : gate_(weights.at(prefix + ".gate_proj.weight")),
      up_(weights.at(prefix + ".up_proj.weight")),
      down_(weights.at(prefix + ".down_proj.weight")) {}

at::Tensor GatedMlp::forward(const at::Tensor& x) const {
  if (x.size(0) > kernels::kMaxGemvRows || !on_cpu(x))
    return kernels::linear(kernels::silu_mul(kernels::linear(x, gate_), kernels::linear(x, up_)), down_);
  const at::Tensor rows = x.contiguous();
  const at::Tensor gate = at::empty({x.size(0), gate_.size(0)}, x.options());
  const at::Tensor up = at::empty_like(gate);
  kernels::gemv({{rows, gate_, {}, gate}, {rows, up_, {}, up}});
  return kernels::linear(kernels::silu_mul(gate, up), down_);
}

}  // namespace spyhop
