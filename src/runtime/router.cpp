#include "runtime/router.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "runtime/kernels/check.h"

namespace spyhop {
namespace {

constexpr float kSumFloor = 1e-20F;  // of the normalising sum, as in the original

/// The k largest, best first, the lower index first among equals.
std::vector<int32_t> top_indices(const std::vector<float>& values, int64_t k) {
  std::vector<int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&values](int32_t a, int32_t b) {
    const float x = values[static_cast<size_t>(a)];
    const float y = values[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + k, order.end(), better);
  order.resize(static_cast<size_t>(k));
  return order;
}

}  // namespace

Router::Router(const Weights& weights, const std::string& prefix, const LanguageConfig& config)
    : gate_(weights.at(prefix + ".weight").to(at::kFloat)), config_(config) {
  if (config.topk_method != TopkMethod::kNoauxTc) return;
  const at::Tensor bias = weights.at(prefix + ".e_score_correction_bias").to(at::kCPU, at::kFloat).contiguous();
  bias_.assign(bias.data_ptr<float>(), bias.data_ptr<float>() + bias.numel());
}

std::vector<float> Router::scores(const float* logits) const {
  std::vector<float> result(logits, logits + gate_.out());
  if (config_.scoring_func == ScoringFunc::kSigmoid) {
    for (float& value : result) value = 1.0F / (1.0F + std::exp(-value));
    return result;
  }
  const float best = *std::max_element(result.begin(), result.end());
  float sum = 0;
  for (float& value : result) sum += value = std::exp(value - best);
  for (float& value : result) value /= sum;
  return result;
}

/// Sets the scores outside the topk_group best groups to 0, not to minus infinity: the original does so.
std::vector<float> Router::keep_best_groups(std::vector<float> choice) const {
  const size_t num_groups = static_cast<size_t>(config_.n_group);
  const size_t size = choice.size() / num_groups;
  const size_t counted = config_.topk_method == TopkMethod::kNoauxTc ? std::min<size_t>(2, size) : 1;
  std::vector<float> group_scores(num_groups);
  for (size_t g = 0; g < num_groups; ++g) {
    const auto first = choice.begin() + static_cast<std::ptrdiff_t>(g * size);
    std::vector<float> best(first, first + static_cast<std::ptrdiff_t>(size));
    std::sort(best.begin(), best.end(), std::greater<>());
    best.resize(counted);
    group_scores[g] = std::accumulate(best.begin(), best.end(), 0.0F);
  }
  std::vector<bool> kept(num_groups, false);
  for (const int32_t g : top_indices(group_scores, config_.topk_group)) kept[static_cast<size_t>(g)] = true;
  for (size_t i = 0; i < choice.size(); ++i) {
    if (!kept[i / size]) choice[i] = 0;
  }
  return choice;
}

Routing Router::choose(const at::Tensor& logits) const {
  require(logits.dim() == 2 && logits.size(1) == gate_.out() && logits.scalar_type() == at::kFloat, "the gate's products");
  const at::Tensor rows = logits.to(at::kCPU).contiguous();
  Routing routing{rows.size(0), config_.num_experts_per_token, {}, {}};
  for (int64_t token = 0; token < routing.num_tokens; ++token) {
    const std::vector<float> scored = scores(rows.data_ptr<float>() + token * rows.size(1));
    std::vector<float> choice = scored;
    for (size_t i = 0; i < bias_.size(); ++i) choice[i] += bias_[i];
    if (config_.topk_method != TopkMethod::kGreedy) choice = keep_best_groups(std::move(choice));
    float sum = 0;
    for (const int32_t id : top_indices(choice, routing.k)) {
      routing.ids.push_back(id);
      routing.weights.push_back(scored[static_cast<size_t>(id)]);
      sum += routing.weights.back();
    }
    const float divisor = config_.norm_topk_prob && routing.k > 1 ? sum + kSumFloor : 1.0F;
    for (auto weight = routing.weights.end() - routing.k; weight != routing.weights.end(); ++weight) {
      *weight = *weight / divisor * static_cast<float>(config_.routed_scaling_factor);
    }
  }
  return routing;
}

Routing Router::route(const at::Tensor& x) const {
  return choose(gate_.forward(x.to(at::kFloat)));
}

}  // namespace spyhop
