// The operations that go over rows without a product of matrices, and the router and the sampler.
#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "measure/kernel_bench.h"
#include "runtime/attention.h"
#include "runtime/kernels/activation.h"
#include "runtime/kernels/layer_norm.h"
#include "runtime/kernels/mix_experts.h"
#include "runtime/kernels/rms_norm.h"
#include "runtime/kernels/rope.h"
#include "runtime/router.h"
#include "runtime/sampler.h"

namespace spyhop {
namespace {

constexpr double kEps = 1e-6;
constexpr double kTheta = 10000.0;

at::Tensor random_tensor(const std::vector<int64_t>& shape, at::ScalarType type) {
  return at::rand(shape, at::TensorOptions().dtype(at::kFloat)).sub_(0.5).to(type);
}

MemoryRegion region_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.data_ptr()), static_cast<int64_t>(tensor.nbytes())};
}

/// Measures unless the name is not wanted. `inputs`: what one call reads.
void measure(const KernelBench& bench, const std::string& name, const std::vector<at::Tensor>& inputs,
             std::function<void()> run) {
  if (!bench.wants(name)) return;
  KernelBench::Subject subject{name, std::move(run), {}, 0, Arithmetic::kF32};
  for (const at::Tensor& input : inputs) subject.regions.push_back(region_of(input));
  bench.measure(subject);
}

void bench_norm_and_rope(const KernelBench& bench, const std::string& size, const LanguageConfig& config, int64_t rows) {
  const std::string tail = " x" + std::to_string(rows);
  const at::Tensor x = random_tensor({rows, config.hidden_size}, at::kBFloat16);
  const at::Tensor weight = random_tensor({config.hidden_size}, at::kBFloat16);
  measure(bench, size + ".rms_norm" + tail, {x, weight}, [&] { kernels::rms_norm(x, weight, kEps); });

  const int dim = rope_dim(config);
  const at::Tensor heads = random_tensor({rows, config.num_heads, dim}, at::kBFloat16);
  const at::Tensor positions = at::arange(rows, at::kLong);
  const kernels::RopeTable table = kernels::make_rope_table(positions, dim, kTheta, at::kBFloat16);
  const kernels::RopePairs pairs = config.use_mla ? kernels::RopePairs::kInterleaved : kernels::RopePairs::kHalfSplit;
  measure(bench, size + ".rope" + tail, {heads, table.cos, table.sin}, [&] { kernels::apply_rope(heads, table, pairs); });
}

void bench_mix(const KernelBench& bench, const std::string& size, const LanguageConfig& config, int64_t rows) {
  const int64_t k = config.num_experts_per_token;
  const at::Tensor results = random_tensor({rows * k, config.hidden_size}, at::kBFloat16);
  const at::Tensor slots = at::arange(rows * k, at::kLong).view({rows, k});
  const at::Tensor weights = random_tensor({rows, k}, at::kFloat);
  measure(bench, size + ".mix_experts x" + std::to_string(rows), {results, slots, weights},
          [&] { kernels::mix_experts(results, slots, weights); });
}

/// One call goes through as many routers as no cache holds.
void bench_router(const KernelBench& bench, const std::string& size, const LanguageConfig& config, int64_t rows) {
  const std::string name = size + ".router x" + std::to_string(rows);
  if (!config.num_routed_experts || !bench.wants(name)) return;
  const int64_t experts = *config.num_routed_experts;
  const Weights weights({{"gate.weight", random_tensor({experts, config.hidden_size}, at::kFloat)},
                         {"gate.e_score_correction_bias", at::zeros({experts}, at::kFloat)}});
  const int64_t bytes_each = experts * config.hidden_size * static_cast<int64_t>(sizeof(float));
  const int64_t num_routers = rows > 1 ? 1 : bench.options.least_bytes / bytes_each + 1;
  std::vector<Router> routers;
  for (int64_t i = 0; i < num_routers; ++i) routers.emplace_back(weights, "gate", config);
  const at::Tensor as_large = random_tensor({num_routers, bytes_each / 4}, at::kFloat);
  const at::Tensor x = random_tensor({rows, config.hidden_size}, at::kBFloat16);
  bench.measure({name,
                 [&] {
                   for (const Router& router : routers) router.route(x);
                 },
                 {region_of(as_large)},
                 2.0 * static_cast<double>(num_routers * rows * experts * config.hidden_size),
                 Arithmetic::kF32});
}

void bench_sampler(const KernelBench& bench, const std::string& size, const LanguageConfig& config) {
  const at::Tensor logits = random_tensor({config.vocab_size}, at::kFloat).mul_(10);
  const auto run = [&](const std::string& kind, double temperature, double top_p) {
    SamplingParams params;
    params.temperature = temperature;
    params.top_p = top_p;
    SequenceSampler sampler(params, {}, config.vocab_size, /*seed=*/1);
    measure(bench, size + ".sampler." + kind, {logits}, [&] { sampler.sample(logits.data_ptr<float>()); });
  };
  run("greedy", 0, 1);
  run("plain", 1, 1);
  run("top_p", 1, 0.9);
}

void bench_tower(const KernelBench& bench, const VisionConfig& vision) {
  const int64_t rows = vision.num_patches();
  const std::string tail = " x" + std::to_string(rows);
  const at::Tensor x = random_tensor({rows, vision.width}, at::kBFloat16);
  const at::Tensor weight = random_tensor({vision.width}, at::kBFloat16);
  measure(bench, "vision.layer_norm" + tail, {x, weight, weight}, [&] { kernels::layer_norm(x, weight, weight, kEps); });
  const at::Tensor inner = random_tensor({rows, vision.mlp_hidden()}, at::kBFloat16);
  measure(bench, "vision.gelu" + tail, {inner}, [&] { kernels::gelu_tanh(inner); });
}

}  // namespace

void bench_row_kernels(const KernelBench& bench) {
  std::vector<int64_t> rows = {bench.options.rows.front()};
  if (bench.options.rows.size() > 1) rows.push_back(bench.options.rows.back());
  for (const std::string& size : bench.options.sizes) {
    const LanguageConfig config = bench_model(size).language;
    for (const int64_t count : rows) {
      bench_norm_and_rope(bench, size, config, count);
      bench_router(bench, size, config, count);
      bench_mix(bench, size, config, count);
    }
    bench_sampler(bench, size, config);
  }
  bench_tower(bench, bench_model(bench.options.sizes.front()).vision);
}

}  // namespace spyhop
