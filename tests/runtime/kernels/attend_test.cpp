#include "runtime/kernels/attend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "../tensors.h"
#include "every_instruction_set.h"
#include "runtime/kernels/mix_experts.h"
#include "runtime/kv_cache.h"
#include "runtime/thread_pool.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using kernels::AttendAtenInput;
using kernels::AttendSpan;
using kernels::RowLayout;
using testing::for_every_instruction_set;
using testing::max_difference;
using testing::random_tensor;

/// One query and head at a time, in double.
at::Tensor naive(const AttendAtenInput& in) {
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
  int64_t queries, keys, heads, kv_heads, dim;
};

const std::vector<Shape> kShapes = {{1, 1, 1, 1, 4},      {5, 5, 3, 3, 8},      {7, 7, 4, 4, 32},    {1, 100, 4, 1, 36},
                                    {17, 65, 4, 2, 12},   {40, 200, 8, 1, 40},  {1, 300, 3, 3, 128}, {130, 130, 2, 2, 24},
                                    {600, 600, 2, 2, 16}, {30, 48, 16, 1, 576}, {1, 16, 6, 2, 20},   {2, 33, 1, 1, 2}};

AttendAtenInput make_input(const Shape& s, at::ScalarType type) {
  return {random_tensor({s.queries, s.heads, s.dim}, 1, type), random_tensor({s.keys, s.kv_heads, s.dim}, 2, type),
          random_tensor({s.keys, s.kv_heads, s.dim}, 3, type), 1.0 / std::sqrt(static_cast<double>(s.dim)), true};
}

/// Keys and values of a sequence in scattered blocks among garbage.
struct Cache {
  KvStore keys;
  KvStore values;
  std::vector<int32_t> table;

  Cache(const at::Tensor& key_rows, const at::Tensor& value_rows, RowLayout key_layout = RowLayout::kKeys)
      : keys(store(key_rows, key_layout)), values(store(value_rows, RowLayout::kValues)) {
    const int64_t num_blocks = num_blocks_for(key_rows.size(0));
    for (int64_t i = 0; i < num_blocks; ++i) table.push_back(static_cast<int32_t>((i * 7 + 3) % (2 * num_blocks)));
    std::vector<int32_t> all(static_cast<size_t>(2 * num_blocks));
    std::iota(all.begin(), all.end(), 0);
    for (KvStore* each : {&keys, &values}) {
      const int64_t width = key_rows.size(1) * key_rows.size(2);
      each->write(all, 0, at::full({32 * num_blocks, width}, std::nanf(""), key_rows.options()));
    }
    keys.write(table, 0, key_rows.flatten(1));
    values.write(table, 0, value_rows.flatten(1));
  }

  static int64_t num_blocks_for(int64_t num_keys) {
    int64_t blocks = (num_keys + 15) / 16;
    while (blocks % 7 == 0) ++blocks;  // so that the table visits each block once
    return blocks;
  }

  static KvStore store(const at::Tensor& rows, RowLayout layout) {
    const int num_blocks = static_cast<int>(2 * num_blocks_for(rows.size(0)));
    const kernels::RowKind kind{layout, rows.size(1), rows.size(2)};
    return KvStore({1, num_blocks, 16, {kind}}, kind, at::TensorOptions().dtype(rows.scalar_type()));
  }
};

/// The last `queries.size(0)` positions of the sequence in `cache`.
at::Tensor attend_last(const at::Tensor& queries, int64_t num_keys, const Cache& cache, double scale) {
  const int64_t count = queries.size(0);
  return kernels::attend({queries,
                          cache.keys.paged(),
                          cache.values.paged(),
                          queries.size(2),
                          scale,
                          {{0, count, num_keys - count, &cache.table}}});
}

TEST(Attend, EqualsTheNaiveLoopForManyShapes) {
  for_every_instruction_set([] {
    for (const Shape& shape : kShapes) {
      for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
        const AttendAtenInput input = make_input(shape, type);
        const Cache cache(input.keys, input.values);
        const at::Tensor expected = shape.queries < 100 ? naive(input) : kernels::attend_aten(input);
        const double tolerance = type == at::kFloat ? 4e-6 : 0.06;  // bf16: rounded scores, probabilities and results
        EXPECT_LT(max_difference(attend_last(input.queries, shape.keys, cache, input.scale), expected), tolerance)
            << shape.queries << " of " << shape.keys;
      }
    }
  });
}

TEST(Attend, TakesOneRowAsKeyAndValue) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor queries = random_tensor({9, 6, 40}, 1, type);
    const at::Tensor latents = random_tensor({50, 1, 40}, 2, type);
    const Cache cache(latents, latents, RowLayout::kValues);
    const at::Tensor ours =
        kernels::attend({queries, cache.keys.paged(), cache.keys.paged(), /*value_dim=*/32, 0.2, {{0, 9, 41, &cache.table}}});
    const at::Tensor expected = naive({queries, latents, latents.narrow(2, 0, 32), 0.2, true});
    EXPECT_LT(max_difference(ours, expected), type == at::kFloat ? 4e-6 : 0.06);
  }
}

TEST(Attend, AQuerysBitsDoNotDependOnTheChunkNorOnTheThreads) {
  for (const RowLayout layout : {RowLayout::kKeys, RowLayout::kValues}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor queries = random_tensor({75, 4, 24}, 4, type);
      const at::Tensor keys = random_tensor({75, 2, 24}, 5, type);
      const at::Tensor values = random_tensor({75, 2, 24}, 6, type);
      const Cache cache(keys, values, layout);
      const at::Tensor together = attend_last(queries, 75, cache, 0.3);
      ThreadPool pool(3);
      const UsePool use_pool(pool);
      for (const int64_t chunk : {1, 7, 16, 40}) {
        for (int64_t first = 0; first < 75; first += chunk) {
          const int64_t count = std::min<int64_t>(chunk, 75 - first);
          // As it was when the tokens behind were not there yet.
          const Cache earlier(keys.narrow(0, 0, first + count), values.narrow(0, 0, first + count), layout);
          const at::Tensor part = attend_last(queries.narrow(0, first, count), first + count, earlier, 0.3);
          EXPECT_TRUE(at::equal(part, together.narrow(0, first, count))) << first << " " << count;
        }
      }
    }
  }
}

TEST(Attend, SequencesOfOneCallDoNotTouchEachOther) {
  const at::Tensor queries = random_tensor({8, 2, 16}, 7, at::kBFloat16);
  const Cache first(random_tensor({40, 2, 16}, 8, at::kBFloat16), random_tensor({40, 2, 16}, 9, at::kBFloat16));
  std::vector<int32_t> other_table(first.table.rbegin(), first.table.rend());
  const auto paged = [&first](const std::vector<AttendSpan>& spans, const at::Tensor& rows) {
    return kernels::attend({rows, first.keys.paged(), first.values.paged(), 16, 0.25, spans});
  };
  const at::Tensor both = paged({{0, 3, 37, &first.table}, {3, 5, 0, &other_table}}, queries);
  EXPECT_TRUE(at::equal(both.narrow(0, 0, 3), paged({{0, 3, 37, &first.table}}, queries.narrow(0, 0, 3))));
  EXPECT_TRUE(at::equal(both.narrow(0, 3, 5), paged({{0, 5, 0, &other_table}}, queries.narrow(0, 3, 5))));
}

TEST(Attend, RefusesWhatDoesNotFit) {
  const Cache cache(at::ones({16, 1, 4}), at::ones({16, 1, 4}));
  EXPECT_THROW(attend_last(at::ones({2, 1, 4}), 17, cache, 1.0), Error);
  EXPECT_THROW(attend_last(at::ones({2, 1, 6}), 16, cache, 1.0), Error);
  EXPECT_THROW(attend_last(at::ones({2, 1, 4}).to(at::kBFloat16), 16, cache, 1.0), Error);
}

TEST(AttendFull, LetsEveryQuerySeeEveryKeyOfStridedViews) {
  for_every_instruction_set([] {
    for (const auto& [length, heads, dim] :
         std::vector<std::array<int64_t, 3>>{{49, 4, 16}, {36, 2, 28}, {20, 3, 24}, {33, 1, 72}}) {
      for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
        const at::Tensor fused = random_tensor({length, 3, heads, dim}, 10, type);
        const kernels::FullAttendInput input{fused.select(1, 0), fused.select(1, 1), fused.select(1, 2), 0.3};
        const AttendAtenInput plain{input.queries, input.keys, input.values, 0.3, false};
        EXPECT_LT(max_difference(kernels::attend_full(input), naive(plain)), type == at::kFloat ? 4e-6 : 0.06);
        EXPECT_LT(max_difference(kernels::attend_aten(plain), naive(plain)), type == at::kFloat ? 4e-6 : 0.06);
      }
    }
  });
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
