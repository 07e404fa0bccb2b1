#include "runtime/moe.h"

#include <gtest/gtest.h>

#include <string>

#include "tensors.h"

namespace spyhop {
namespace {

using testing::kBf16Ulp;
using testing::random_tensor;
using testing::relative_difference;

constexpr int kHidden = 24;
constexpr int kWidth = 10;
constexpr int kExperts = 7;

LanguageConfig small_config() {
  LanguageConfig config;
  config.num_routed_experts = kExperts;
  config.num_shared_experts = 2;
  config.num_experts_per_token = 3;
  config.routed_scaling_factor = 1.5;
  return config;
}

void add_mlp(Weights::Map& tensors, const std::string& prefix, int64_t width, uint64_t seed, at::ScalarType type) {
  tensors[prefix + ".gate_proj.weight"] = random_tensor({width, kHidden}, seed, type);
  tensors[prefix + ".up_proj.weight"] = random_tensor({width, kHidden}, seed + 1, type);
  tensors[prefix + ".down_proj.weight"] = random_tensor({kHidden, width}, seed + 2, type);
}

Weights::Map make_tensors(at::ScalarType type) {
  Weights::Map tensors{{"mlp.gate.weight", random_tensor({kExperts, kHidden}, 1, type)}};
  for (int i = 0; i < kExperts; ++i)
    add_mlp(tensors, "mlp.experts." + std::to_string(i), kWidth, 10 + 3 * static_cast<uint64_t>(i), type);
  add_mlp(tensors, "mlp.shared_experts", 2 * kWidth, 100, type);
  return tensors;
}

at::Tensor naive_mlp(const Weights::Map& tensors, const std::string& prefix, const at::Tensor& x) {
  const auto weight = [&](const char* name) { return tensors.at(prefix + name).to(at::kDouble); };
  const at::Tensor gate = (weight(".gate_proj.weight") * x).sum(1);
  const at::Tensor up = (weight(".up_proj.weight") * x).sum(1);
  return (weight(".down_proj.weight") * (gate * at::sigmoid(gate) * up)).sum(1);
}

/// One token at a time, in double.
at::Tensor naive_moe(const Weights::Map& tensors, const at::Tensor& x, const MoeTrace& trace) {
  at::Tensor out = at::zeros({x.size(0), kHidden}, at::kDouble);
  for (int64_t t = 0; t < x.size(0); ++t) {
    const at::Tensor token = x[t].to(at::kDouble);
    out[t].add_(naive_mlp(tensors, "mlp.shared_experts", token));
    for (int64_t j = 0; j < trace.topk_ids.size(1); ++j) {
      const std::string expert = "mlp.experts." + std::to_string(trace.topk_ids[t][j].item<int64_t>());
      out[t].add_(naive_mlp(tensors, expert, token) * trace.topk_weights[t][j].item<double>());
    }
  }
  return out;
}

TEST(Moe, EqualsTheExpertsComputedTokenByToken) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const Weights::Map tensors = make_tensors(type);
    const Moe moe(Weights(tensors), "mlp", small_config());
    for (const int64_t num_tokens : {1, 2, 5, 40}) {  // few rows per expert, and many
      const at::Tensor x = random_tensor({num_tokens, kHidden}, 7, type);
      MoeTrace trace;
      const at::Tensor y = moe.forward(x, &trace);
      EXPECT_LT(relative_difference(y, naive_moe(tensors, x, trace)), type == at::kFloat ? 3e-6 : 2 * kBf16Ulp) << num_tokens;
    }
  }
}

TEST(Moe, TracesWhatTheRouterChose) {
  const Weights::Map tensors = make_tensors(at::kFloat);
  const LanguageConfig config = small_config();
  const at::Tensor x = random_tensor({6, kHidden}, 8);
  MoeTrace trace;
  Moe(Weights(tensors), "mlp", config).forward(x, &trace);
  const Routing routing = Router(Weights(tensors), "mlp.gate", config).route(x);
  ASSERT_EQ(trace.topk_ids.sizes(), (std::vector<int64_t>{6, 3}));
  for (int64_t i = 0; i < 18; ++i) {
    EXPECT_EQ(trace.topk_ids.flatten()[i].item<int64_t>(), routing.ids[static_cast<size_t>(i)]);
    EXPECT_EQ(trace.topk_weights.flatten()[i].item<float>(), routing.weights[static_cast<size_t>(i)]);
  }
}

TEST(Moe, NeverReadsAnExpertThatNoTokenChose) {
  Weights::Map tensors = make_tensors(at::kFloat);
  const at::Tensor x = random_tensor({1, kHidden}, 9);
  MoeTrace trace;
  const at::Tensor expected = Moe(Weights(tensors), "mlp", small_config()).forward(x, &trace);
  for (int i = 0; i < kExperts; ++i) {
    if ((trace.topk_ids == i).any().item<bool>()) continue;
    tensors["mlp.experts." + std::to_string(i) + ".down_proj.weight"] = at::full({kHidden, kWidth}, std::nanf(""));
  }
  EXPECT_TRUE(at::equal(Moe(Weights(tensors), "mlp", small_config()).forward(x), expected));
}

TEST(Moe, WorksWithoutSharedExperts) {
  LanguageConfig config = small_config();
  config.num_shared_experts.reset();
  Weights::Map tensors = make_tensors(at::kFloat);
  const at::Tensor x = random_tensor({3, kHidden}, 10);
  MoeTrace trace;
  const at::Tensor y = Moe(Weights(tensors), "mlp", config).forward(x, &trace);
  for (const char* name : {".gate_proj.weight", ".up_proj.weight", ".down_proj.weight"}) {
    tensors["mlp.shared_experts" + std::string(name)].zero_();
  }
  EXPECT_LT(relative_difference(y, naive_moe(tensors, x, trace)), 3e-6);
}

}  // namespace
}  // namespace spyhop
