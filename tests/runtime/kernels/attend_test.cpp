#include "runtime/kernels/attend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "../tensors.h"
#include "runtime/kernels/attend_paged.h"
#include "runtime/kernels/mix_experts.h"
#include "runtime/kernels/softmax.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using kernels::AttendInput;
using testing::max_difference;
using testing::random_tensor;

/// One query and head at a time, in double.
at::Tensor naive(const AttendInput& in) {
  const int64_t num_queries = in.queries.size(0);
  const int64_t num_keys = in.keys.size(0);
  const int64_t group = in.queries.size(1) / in.keys.size(1);
  at::Tensor out = at::zeros({num_queries, in.queries.size(1), in.values.size(2)}, at::kDouble);
  for (int64_t q = 0; q < num_queries; ++q) {
    const int64_t visible = in.causal ? num_keys - num_queries + q + 1 : num_keys;
    for (int64_t h = 0; h < in.queries.size(1); ++h) {
      const at::Tensor keys = in.keys.narrow(0, 0, visible).select(1, h / group).to(at::kDouble);
      const at::Tensor values = in.values.narrow(0, 0, visible).select(1, h / group).to(at::kDouble);
      const at::Tensor scores = (keys * in.queries[q][h].to(at::kDouble)).sum(1) * in.scale;
      out[q][h].copy_((at::softmax(scores, 0).unsqueeze(1) * values).sum(0));
    }
  }
  return out.flatten(1);
}

struct Shape {
  int64_t queries, keys, heads, kv_heads, key_dim, value_dim;
  bool causal;
};

const std::vector<Shape> kShapes = {
    {1, 1, 1, 1, 4, 4, true},      {5, 5, 3, 3, 8, 8, true},      {7, 7, 4, 4, 32, 16, true},
    {1, 100, 4, 1, 36, 24, true},  {17, 65, 4, 2, 12, 12, true},  {40, 200, 8, 1, 40, 32, true},
    {49, 49, 4, 4, 16, 16, false}, {36, 36, 2, 2, 28, 28, false}, {130, 130, 2, 2, 24, 24, true}};

AttendInput make_input(const Shape& s, at::ScalarType type) {
  return {random_tensor({s.queries, s.heads, s.key_dim}, 1, type), random_tensor({s.keys, s.kv_heads, s.key_dim}, 2, type),
          random_tensor({s.keys, s.kv_heads, s.value_dim}, 3, type), 1.0 / std::sqrt(static_cast<double>(s.key_dim)), s.causal};
}

TEST(Attend, EqualsTheNaiveLoopForManyShapes) {
  for (const Shape& shape : kShapes) {
    const AttendInput f32 = make_input(shape, at::kFloat);
    EXPECT_LT(max_difference(kernels::attend(f32), naive(f32)), 3e-6) << shape.queries << " of " << shape.keys;
    EXPECT_LT(max_difference(kernels::attend_aten(f32), naive(f32)), 3e-6);
    const AttendInput bf16 = make_input(shape, at::kBFloat16);
    EXPECT_LT(max_difference(kernels::attend(bf16), naive(bf16)), 0.06);  // rounded scores, probabilities and results
  }
}

TEST(Attend, WorksInBlocksOfQueriesWhenTheScoresAreLarge) {
  // 600 x 600 scores of 8 heads in f32 take more than a block's 8 MB.
  const AttendInput input = make_input({600, 600, 8, 8, 8, 8, true}, at::kFloat);
  EXPECT_LT(max_difference(kernels::attend(input), kernels::attend_aten(input)), 3e-6);
}

TEST(Attend, TakesStridedViews) {
  const at::Tensor fused = random_tensor({20, 3, 4, 8}, 4);
  const AttendInput views{fused.select(1, 0), fused.select(1, 1), fused.select(1, 2), 0.3, false};
  const AttendInput copies{views.queries.contiguous(), views.keys.contiguous(), views.values.contiguous(), 0.3, false};
  EXPECT_TRUE(at::equal(kernels::attend(views), kernels::attend(copies)));
}

TEST(Attend, RefusesFewerKeysThanCausalQueries) {
  EXPECT_THROW(kernels::attend(make_input({5, 4, 1, 1, 4, 4, true}, at::kFloat)), Error);
}

TEST(AttendPaged, EqualsAttendOverTheGatheredRows) {
  constexpr int64_t kBlockSize = 16;
  for (const auto& [num_keys, heads, kv_heads, dim] :
       std::vector<std::array<int64_t, 4>>{{1, 6, 6, 16}, {16, 4, 4, 8}, {37, 6, 2, 20}, {300, 3, 3, 128}}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor keys = random_tensor({30, kBlockSize, kv_heads * dim}, 5, type);
      const at::Tensor values = random_tensor({30, kBlockSize, kv_heads * dim}, 6, type);
      const at::Tensor query = random_tensor({heads, dim}, 7, type);
      std::vector<int32_t> table(20);
      for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int32_t>((i * 7 + 3) % 30);
      const at::Tensor blocks = at::tensor(table, at::kInt);
      const auto gathered = [&](const at::Tensor& cache) {
        return cache.index_select(0, blocks).view({-1, kv_heads, dim}).narrow(0, 0, num_keys);
      };
      const at::Tensor ours = kernels::attend_paged({query, keys, values, &table, num_keys, kv_heads, 0.25});
      const AttendInput input{query.unsqueeze(0), gathered(keys), gathered(values), 0.25, true};
      EXPECT_LT(max_difference(ours, naive(input)), type == at::kFloat ? 3e-6 : 0.05) << num_keys;
    }
  }
}

TEST(MaskedSoftmax, HidesLaterKeysWhateverTheyHold) {
  at::Tensor scores = at::zeros({1, 4, 3});
  scores.select(2, 2).fill_(std::nanf(""));
  kernels::masked_softmax(scores, {1.0, /*rows_per_query=*/2, /*first_visible=*/1, /*causal=*/true});
  const at::Tensor expected = at::tensor(std::vector<float>{1, 0, 0, 1, 0, 0, 0.5, 0.5, 0, 0.5, 0.5, 0})
                                  .view({1, 4, 3});  // two rows per query position
  EXPECT_LT(max_difference(scores, expected), 1e-6);
}

TEST(MaskedSoftmax, AgreesWithAten) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor scores = (random_tensor({3, 24, 50}, 8) * 20).to(type);
    at::Tensor ours = scores.clone();
    at::Tensor expected = scores.clone();
    const kernels::SoftmaxOptions options{0.7, 4, 11, true};
    kernels::masked_softmax(ours, options);
    kernels::masked_softmax_aten(expected, options);
    EXPECT_LT(max_difference(ours, expected), type == at::kFloat ? 1e-6 : 0.004);
  }
}

TEST(MixExperts, AddsTheWeightedRows) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor rows = random_tensor({15, 33}, 9, type);
    const at::Tensor slots = at::tensor(std::vector<int64_t>{3, 0, 14, 7, 7, 2, 1, 9, 10, 11, 12, 13}, at::kLong).view({4, 3});
    const at::Tensor weights = random_tensor({4, 3}, 10).abs();
    at::Tensor expected = at::zeros({4, 33}, at::kDouble);
    for (int64_t t = 0; t < 4; ++t) {
      for (int64_t j = 0; j < 3; ++j) {
        expected[t].add_(rows[slots[t][j].item<int64_t>()].to(at::kDouble) * weights[t][j].item<double>());
      }
    }
    const double tolerance = type == at::kFloat ? 2e-6 : 0.03;
    EXPECT_LT(max_difference(kernels::mix_experts(rows, slots, weights), expected), tolerance);
    EXPECT_LT(max_difference(kernels::mix_experts_aten(rows, slots, weights), expected), tolerance);
  }
}

}  // namespace
}  // namespace spyhop
