#include "runtime/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/mha_attention.h"
#include "runtime/mla_attention.h"
#include "tensors.h"

namespace spyhop {
namespace {

using testing::max_difference;
using testing::random_tensor;

constexpr int kHidden = 48;
const at::TensorOptions kF32 = at::TensorOptions().dtype(at::kFloat);

at::Tensor weight(int64_t out, int64_t in, uint64_t seed) {
  return random_tensor({out, in}, seed) / std::sqrt(static_cast<double>(in));
}

LanguageConfig mha_config(int kv_heads) {
  LanguageConfig config;
  config.hidden_size = kHidden;
  config.num_heads = 6;
  config.num_kv_heads = kv_heads;
  config.use_mla = false;
  return config;
}

LanguageConfig mla_config(bool compressed_queries) {
  LanguageConfig config;
  config.hidden_size = kHidden;
  config.num_heads = 4;
  config.use_mla = true;
  config.kv_lora_rank = 16;
  config.q_lora_rank = compressed_queries ? std::optional<int>(20) : std::nullopt;
  config.qk_nope_head_dim = 10;
  config.qk_rope_head_dim = 6;
  config.v_head_dim = 14;
  return config;
}

Weights mha_weights(const LanguageConfig& config) {
  const int64_t kv_width = int64_t{config.num_kv_heads} * config.head_dim();
  return Weights({{"a.q_proj.weight", weight(kHidden, kHidden, 1)},
                  {"a.k_proj.weight", weight(kv_width, kHidden, 2)},
                  {"a.v_proj.weight", weight(kv_width, kHidden, 3)},
                  {"a.o_proj.weight", weight(kHidden, kHidden, 4)}});
}

Weights mla_weights(const LanguageConfig& config) {
  const int64_t heads = config.num_heads;
  const int64_t rank = config.kv_lora_rank;
  const int64_t rope = config.qk_rope_head_dim;
  Weights::Map tensors{{"a.kv_a_proj_with_mqa.weight", weight(rank + rope, kHidden, 1)},
                       {"a.kv_a_layernorm.weight", random_tensor({rank}, 2)},
                       {"a.kv_b_proj.weight", weight(heads * (config.qk_nope_head_dim + config.v_head_dim), rank, 3)},
                       {"a.o_proj.weight", weight(kHidden, heads * config.v_head_dim, 4)}};
  if (config.q_lora_rank) {
    tensors["a.q_a_proj.weight"] = weight(*config.q_lora_rank, kHidden, 5);
    tensors["a.q_a_layernorm.weight"] = random_tensor({*config.q_lora_rank}, 6);
    tensors["a.q_b_proj.weight"] = weight(heads * config.qk_head_dim(), *config.q_lora_rank, 7);
  } else {
    tensors["a.q_proj.weight"] = weight(heads * config.qk_head_dim(), kHidden, 8);
  }
  return Weights(std::move(tensors));
}

at::Tensor rms(const at::Tensor& x, const at::Tensor& w) {
  return x * at::rsqrt(x.pow(2).mean({-1}, true) + 1e-6) * w;
}

at::Tensor product(const at::Tensor& x, const at::Tensor& w) {
  return (x.unsqueeze(1) * w.to(at::kDouble).unsqueeze(0)).sum(2);
}

/// Pairs turned one by one: x [tokens, heads, dim].
at::Tensor turned(const at::Tensor& x, bool interleaved) {
  at::Tensor y = x.clone();
  const int64_t half = x.size(2) / 2;
  for (int64_t t = 0; t < x.size(0); ++t) {
    for (int64_t i = 0; i < half; ++i) {
      const double angle =
          static_cast<double>(t) * std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(x.size(2)));
      const int64_t first = interleaved ? 2 * i : i;
      const int64_t second = interleaved ? 2 * i + 1 : i + half;
      const at::Tensor a = x[t].select(1, first);
      const at::Tensor b = x[t].select(1, second);
      y[t].select(1, first).copy_(a * std::cos(angle) - b * std::sin(angle));
      y[t].select(1, second).copy_(b * std::cos(angle) + a * std::sin(angle));
    }
  }
  return y;
}

/// Causal attention, a query and a head at a time: [tokens, heads, dim] each.
at::Tensor causal(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  at::Tensor out = at::zeros({q.size(0), q.size(1), v.size(2)}, at::kDouble);
  for (int64_t t = 0; t < q.size(0); ++t) {
    for (int64_t h = 0; h < q.size(1); ++h) {
      const at::Tensor scores = (k.narrow(0, 0, t + 1).select(1, h) * q[t][h]).sum(1) * scale;
      out[t][h].copy_((at::softmax(scores, 0).unsqueeze(1) * v.narrow(0, 0, t + 1).select(1, h)).sum(0));
    }
  }
  return out.flatten(1);
}

at::Tensor naive_mha(const Weights& w, const LanguageConfig& config, const at::Tensor& x) {
  const int64_t group = config.num_heads / config.num_kv_heads;
  const auto heads = [&](const char* name, int64_t count) {
    return product(x.to(at::kDouble), w.at(name)).view({x.size(0), count, config.head_dim()});
  };
  const at::Tensor q = turned(heads("a.q_proj.weight", config.num_heads), false);
  const at::Tensor k = turned(heads("a.k_proj.weight", config.num_kv_heads), false).repeat_interleave(group, 1);
  const at::Tensor v = heads("a.v_proj.weight", config.num_kv_heads).repeat_interleave(group, 1);
  return product(causal(q, k, v, 1.0 / std::sqrt(config.head_dim())), w.at("a.o_proj.weight"));
}

/// The textbook form: every head's keys and values are made from the latent.
at::Tensor naive_mla(const Weights& w, const LanguageConfig& config, const at::Tensor& input) {
  const at::Tensor x = input.to(at::kDouble);
  const int64_t n = x.size(0);
  const at::Tensor flat =
      config.q_lora_rank
          ? product(rms(product(x, w.at("a.q_a_proj.weight")), w.at("a.q_a_layernorm.weight")), w.at("a.q_b_proj.weight"))
          : product(x, w.at("a.q_proj.weight"));
  const at::Tensor q = flat.view({n, config.num_heads, config.qk_head_dim()}).clone();
  const at::Tensor q_rope = q.narrow(2, config.qk_nope_head_dim, config.qk_rope_head_dim);
  q_rope.copy_(turned(q_rope.clone(), true));
  const at::Tensor rows = product(x, w.at("a.kv_a_proj_with_mqa.weight"));
  const at::Tensor latent = rms(rows.narrow(1, 0, config.kv_lora_rank), w.at("a.kv_a_layernorm.weight"));
  const at::Tensor key = turned(rows.narrow(1, config.kv_lora_rank, config.qk_rope_head_dim).unsqueeze(1).clone(), true);
  const at::Tensor kv = product(latent, w.at("a.kv_b_proj.weight")).view({n, config.num_heads, -1});
  const at::Tensor k = at::cat({kv.narrow(2, 0, config.qk_nope_head_dim), key.expand({n, config.num_heads, -1})}, 2);
  const at::Tensor v = kv.narrow(2, config.qk_nope_head_dim, config.v_head_dim);
  return product(causal(q, k, v, 1.0 / std::sqrt(config.qk_head_dim())), w.at("a.o_proj.weight"));
}

/// A sequence whose tokens come in chunks of the given sizes, through a cache with a scattered block table.
at::Tensor run_in_chunks(const Attention& attention, const LanguageConfig& config, const at::Tensor& x,
                         const std::vector<int64_t>& chunks) {
  KvCache cache({1, 32, 16, kv_row_kinds(config)}, kF32);
  std::vector<int32_t> table(16);
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int32_t>((i * 5 + 2) % 32);
  std::vector<at::Tensor> parts;
  int64_t first = 0;
  for (const int64_t size : chunks) {
    const at::Tensor positions = at::arange(first, first + size, at::kLong);
    const StepBatch batch{{{0, size, first, &table}},
                          kernels::make_rope_table(positions, rope_dim(config), config.rope_theta, at::kFloat)};
    parts.push_back(attention.forward(x.narrow(0, first, size), batch, cache.layer(0)));
    first += size;
  }
  return at::cat(parts);
}

const std::vector<std::vector<int64_t>> kChunkings = {{20}, {1, 1, 18}, {7, 6, 7}, {19, 1}, std::vector<int64_t>(20, 1)};

TEST(MhaAttention, EqualsTheNaiveLoopHoweverThePromptIsChunked) {
  const at::Tensor x = random_tensor({20, kHidden}, 11);
  for (const int kv_heads : {6, 2, 1}) {
    const LanguageConfig config = mha_config(kv_heads);
    const Weights weights = mha_weights(config);
    const MhaAttention attention(weights, "a", config);
    const at::Tensor expected = naive_mha(weights, config, x);
    for (const auto& chunks : kChunkings) {
      EXPECT_LT(max_difference(run_in_chunks(attention, config, x, chunks), expected), 6e-6)
          << kv_heads << " " << chunks.size();
    }
  }
}

TEST(MlaAttention, EqualsTheTextbookFormHoweverThePromptIsChunked) {
  const at::Tensor x = random_tensor({20, kHidden}, 12);
  for (const bool compressed : {false, true}) {
    const LanguageConfig config = mla_config(compressed);
    const Weights weights = mla_weights(config);
    const MlaAttention attention(weights, "a", config);
    const at::Tensor expected = naive_mla(weights, config, x);
    for (const auto& chunks : kChunkings) {
      EXPECT_LT(max_difference(run_in_chunks(attention, config, x, chunks), expected), 6e-6)
          << compressed << " " << chunks.size();
    }
  }
}

TEST(Attention, SequencesOfOneStepDoNotSeeEachOther) {
  const LanguageConfig mha = mha_config(6);
  const LanguageConfig mla = mla_config(false);
  for (const LanguageConfig& config : {mha, mla}) {
    const auto attention = make_attention(config.use_mla ? mla_weights(config) : mha_weights(config), "a", config);
    const at::Tensor a = random_tensor({9, kHidden}, 13);
    const at::Tensor b = random_tensor({12, kHidden}, 14);
    KvCache cache({1, 16, 16, kv_row_kinds(config)}, kF32);
    const std::vector<int32_t> table_a = {3, 9, 0, 5};
    const std::vector<int32_t> table_b = {7, 1, 2, 4};
    const auto batch = [&](int64_t first_a, int64_t count_a, int64_t first_b, int64_t count_b) {
      const at::Tensor positions =
          at::cat({at::arange(first_a, first_a + count_a, at::kLong), at::arange(first_b, first_b + count_b, at::kLong)});
      return StepBatch{{{0, count_a, first_a, &table_a}, {count_a, count_b, first_b, &table_b}},
                       kernels::make_rope_table(positions, rope_dim(config), config.rope_theta, at::kFloat)};
    };
    const at::Tensor step1 =
        attention->forward(at::cat({a.narrow(0, 0, 8), b.narrow(0, 0, 4)}), batch(0, 8, 0, 4), cache.layer(0));
    const at::Tensor step2 =
        attention->forward(at::cat({a.narrow(0, 8, 1), b.narrow(0, 4, 8)}), batch(8, 1, 4, 8), cache.layer(0));
    const at::Tensor joined_a = at::cat({step1.narrow(0, 0, 8), step2.narrow(0, 0, 1)});
    const at::Tensor joined_b = at::cat({step1.narrow(0, 8, 4), step2.narrow(0, 1, 8)});
    EXPECT_LT(max_difference(joined_a, run_in_chunks(*attention, config, a, {9})), 6e-6);
    EXPECT_LT(max_difference(joined_b, run_in_chunks(*attention, config, b, {12})), 6e-6);
  }
}

TEST(Attention, CachesWhatEachKindNeedsPerToken) {
  const std::vector<kernels::RowKind> mha = kv_row_kinds(mha_config(2));
  ASSERT_EQ(mha.size(), 2U);
  EXPECT_EQ(mha[0].width(), 16);
  EXPECT_EQ(mha[1].width(), 16);
  const std::vector<kernels::RowKind> mla = kv_row_kinds(mla_config(false));
  ASSERT_EQ(mla.size(), 1U);
  EXPECT_EQ(mla[0].width(), 22);
}

}  // namespace
}  // namespace spyhop
