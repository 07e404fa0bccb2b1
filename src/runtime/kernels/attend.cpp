#include "runtime/kernels/attend.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/kernels/check.h"
#include "runtime/kernels/matmul.h"
#include "runtime/kernels/softmax.h"

namespace spyhop::kernels {
namespace {

constexpr int64_t kScoreBytes = int64_t{8} << 20;  // of one block of queries: stays in the cache between the two products
constexpr int64_t kKeyStep = 64;                   // keys are padded to it: few distinct shapes
constexpr int64_t kQueryStep = 16;

int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

/// [length, heads, dim] -> [heads, padded, dim], zeros behind.
at::Tensor head_major(const at::Tensor& x, int64_t padded) {
  const int64_t length = x.size(0);
  at::Tensor result = at::empty({x.size(1), padded, x.size(2)}, x.options());
  result.narrow(1, 0, length).copy_(x.permute({1, 0, 2}));
  if (padded > length) result.narrow(1, length, padded - length).zero_();
  return result;
}

struct Plan {
  int64_t num_queries, num_keys, num_kv_heads, group, value_dim;
  int64_t padded_keys;
  int64_t block;  // queries at a time

  explicit Plan(const AttendInput& input)
      : num_queries(input.queries.size(0)),
        num_keys(input.keys.size(0)),
        num_kv_heads(input.keys.size(1)),
        group(input.queries.size(1) / num_kv_heads),
        value_dim(input.values.size(2)),
        padded_keys(round_up(num_keys, kKeyStep)) {
    const int64_t bytes_per_query = num_kv_heads * group * padded_keys * static_cast<int64_t>(input.queries.element_size());
    const int64_t fitting = std::max(kQueryStep, kScoreBytes / bytes_per_query / kQueryStep * kQueryStep);
    const int64_t num_blocks = (num_queries - 1) / fitting + 1;
    const int64_t even_share = (num_queries - 1) / num_blocks + 1;
    block = even_share <= kQueryStep ? even_share : round_up(even_share, kQueryStep);
  }
};

/// Queries with the heads that share a key head side by side: [num_kv_heads, padded * group, key_dim].
at::Tensor grouped_queries(const AttendInput& input, const Plan& plan) {
  const int64_t dim = input.queries.size(2);
  const at::Tensor grouped = input.queries.reshape({plan.num_queries, plan.num_kv_heads, plan.group, dim});
  const int64_t padded = round_up(plan.num_queries, plan.block);
  at::Tensor result = at::empty({plan.num_kv_heads, padded, plan.group, dim}, input.queries.options());
  result.narrow(1, 0, plan.num_queries).copy_(grouped.permute({1, 0, 2, 3}));
  if (padded > plan.num_queries) result.narrow(1, plan.num_queries, padded - plan.num_queries).zero_();
  return result.view({plan.num_kv_heads, padded * plan.group, dim});
}

}  // namespace

at::Tensor attend_aten(const AttendInput& input) {
  const int64_t group = input.queries.size(1) / input.keys.size(1);
  const at::Tensor queries = input.queries.permute({1, 0, 2});
  const at::Tensor keys = input.keys.repeat_interleave(group, 1).permute({1, 2, 0});
  const at::Tensor values = input.values.repeat_interleave(group, 1).permute({1, 0, 2});
  at::Tensor scores = at::matmul(queries, keys).contiguous();
  const int64_t hidden = input.causal ? input.queries.size(0) - 1 : 0;
  masked_softmax_aten(scores, {input.scale, 1, input.keys.size(0) - hidden, input.causal});
  return at::matmul(scores, values).permute({1, 0, 2}).reshape({input.queries.size(0), -1});
}

at::Tensor attend(const AttendInput& input) {
  require(input.queries.dim() == 3 && input.keys.dim() == 3 && input.values.dim() == 3, "attend takes [length, heads, dim]");
  require(input.queries.size(1) % input.keys.size(1) == 0, "attend's key heads must divide the query heads");
  require(input.queries.size(0) > 0 && input.keys.size(0) > 0, "attend needs a query and a key");
  require(!input.causal || input.keys.size(0) >= input.queries.size(0), "attend has fewer keys than queries");
  if (!on_cpu(input.queries) || !is_compute_type(input.queries)) return attend_aten(input);

  const Plan plan(input);
  const at::Tensor queries = grouped_queries(input, plan);
  const at::Tensor keys = head_major(input.keys, plan.padded_keys).transpose(1, 2);
  const at::Tensor values = head_major(input.values, plan.padded_keys);
  at::Tensor out = at::empty({plan.num_queries, plan.num_kv_heads, plan.group, plan.value_dim}, input.queries.options());
  for (int64_t begin = 0; begin < plan.num_queries; begin += plan.block) {
    const int64_t count = std::min(plan.block, plan.num_queries - begin);
    const int64_t first_visible = input.causal ? plan.num_keys - plan.num_queries + begin + 1 : plan.num_keys;
    const int64_t last_visible = input.causal ? first_visible + count - 1 : plan.num_keys;
    const int64_t width = round_up(last_visible, kKeyStep);
    const at::Tensor block = queries.narrow(1, begin * plan.group, plan.block * plan.group);
    at::Tensor scores = batched_matmul(block, keys.narrow(2, 0, width));
    masked_softmax(scores, {input.scale, plan.group, first_visible, input.causal});
    const at::Tensor result = batched_matmul(scores, values.narrow(1, 0, width));  // [num_kv_heads, block * group, value_dim]
    out.narrow(0, begin, count)
        .copy_(
            result.view({plan.num_kv_heads, plan.block, plan.group, plan.value_dim}).narrow(1, 0, count).permute({1, 0, 2, 3}));
  }
  return out.view({plan.num_queries, -1});
}

}  // namespace spyhop::kernels
