#include "runtime/layers.h"

#include <ATen/ATen.h>

#include <utility>

#include "runtime/kernels/activation.h"
#include "runtime/kernels/check.h"
#include "runtime/kernels/layer_norm.h"
#include "runtime/kernels/rms_norm.h"

namespace spyhop {

Linear::Linear(const at::Tensor& weight, at::Tensor bias) : bias_(std::move(bias)) {
  if (on_cpu(weight)) {
    packed_ = kernels::PackedMatrix(weight);
  } else {
    weight_ = weight;
  }
}

Linear::Linear(const Weights& weights, const std::string& prefix, bool has_bias)
    : bias_(has_bias ? weights.at(prefix + ".bias") : at::Tensor()) {
  if (weights.on_cpu()) {
    packed_ = weights.matrix(prefix);
  } else {
    weight_ = weights.at(prefix + ".weight");
  }
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return weight_.defined() ? at::linear(x, weight_, bias_) : kernels::linear(x, packed_, bias_);
}

at::Tensor Linear::forward_gelu(const at::Tensor& x) const {
  if (weight_.defined()) return kernels::gelu_tanh(at::linear(x, weight_, bias_));
  return kernels::linear(x, packed_, bias_, kernels::Activation::kGeluTanh);
}

kernels::LinearTask Linear::task(const at::Tensor& x, const at::Tensor& y) const {
  kernels::LinearTask task = kernels::linear_task(x, packed_, y);
  if (bias_.defined()) task.bias = bias_.data_ptr();
  return task;
}

std::vector<at::Tensor> forward_together(const at::Tensor& x, const std::vector<const Linear*>& layers) {
  std::vector<at::Tensor> results;
  std::vector<kernels::LinearTask> tasks;
  for (const Linear* layer : layers) {
    if (!on_cpu(x)) {
      results.push_back(layer->forward(x));
      continue;
    }
    results.push_back(at::empty({x.size(0), layer->out()}, x.options()));
    tasks.push_back(layer->task(x, results.back()));
  }
  kernels::linear(tasks);
  return results;
}

void forward_each(const std::vector<Linear>& layers, const at::Tensor& x, const at::Tensor& y) {
  std::vector<kernels::LinearTask> tasks;
  for (size_t i = 0; i < layers.size(); ++i) {
    const at::Tensor from = x.select(1, static_cast<int64_t>(i));
    const at::Tensor to = y.select(1, static_cast<int64_t>(i));
    if (on_cpu(x)) {
      tasks.push_back(layers[i].task(from, to));
    } else {
      to.copy_(layers[i].forward(from));
    }
  }
  kernels::linear(tasks);
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

GatedMlp::GatedMlp(const Weights& weights, const std::string& prefix) : down_(weights, prefix + ".down_proj") {
  if (weights.on_cpu()) {
    gate_up_ = weights.gated_matrix(prefix);
  } else {
    gate_ = weights.at(prefix + ".gate_proj.weight");
    up_ = weights.at(prefix + ".up_proj.weight");
  }
}

kernels::LinearTask GatedMlp::gate_up_task(const at::Tensor& x, const at::Tensor& inner) const {
  return kernels::linear_task(x, gate_up_, inner);
}

kernels::LinearTask GatedMlp::down_task(const at::Tensor& inner, const at::Tensor& y) const {
  return down_.task(inner, y);
}

at::Tensor GatedMlp::forward(const at::Tensor& x) const {
  if (!on_cpu(x)) return down_.forward(kernels::silu_mul(at::linear(x, gate_), at::linear(x, up_)));
  return down_.forward(kernels::linear(x, gate_up_));
}

}  // namespace spyhop
